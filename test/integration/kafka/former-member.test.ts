/**
 * A group member that died without a word, on a real broker: whoever takes its place does not wait for its session to end.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GroupConsumer, MemberMemory } from '../../../streams/ports.ts';
import { spreading } from '../../conformance/log-client-group-reader.ts';
import { KafkaHarness } from './kafka-harness.ts';

const SESSION_MS = 45_000;

let harness: KafkaHarness;
beforeAll(() => {
  harness = new KafkaHarness();
});
afterAll(() => harness.close());

test('a member that knows what it was joins at once, although its former self never answers [INV-FORMER-MEMBER]', async () => {
  const topic = await harness.topic();
  let known: string | undefined;
  const memory: MemberMemory = {
    recall: () => known,
    remember: (memberId) => {
      known = memberId;
    },
  };
  const groupId = harness.uniqueName('group');
  const member = (name: string): GroupConsumer =>
    harness.client(name).consumer({
      ...{ groupId, clientId: name, topics: [topic], assignor: spreading },
      ...{ sessionTimeoutMs: SESSION_MS, memory },
    });
  // Its heartbeats go on and nobody polls it, so the group takes it for alive and waits for it in vain.
  await member('dead').rejoin(new Uint8Array());
  const startedMs = Date.now();
  expect(await member('heir').rejoin(new Uint8Array())).toEqual([{ topic, partition: 0 }]);
  expect(Date.now() - startedMs).toBeLessThan(SESSION_MS / 3);
});
