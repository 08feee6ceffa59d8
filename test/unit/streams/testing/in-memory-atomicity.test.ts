/**
 * Owners of the same transactional ids race on the in-memory log while operations are delayed, fail, lose their answers or kill
 * their client.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProducerFencedError } from '../../../../streams/errors.ts';
import type { TransactionalProducer } from '../../../../streams/ports.ts';
import type { Fault, FaultInjector } from '../../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const TOPIC = 'topic';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | null): string => new TextDecoder().decode(value ?? new Uint8Array(0));
const partitionOf = (partition: number): { topic: string; partition: number } => ({ topic: TOPIC, partition });

const values = (log: InMemoryLog, partition: number): string[] =>
  log.records(partitionOf(partition)).map(({ value }) => text(value));

const append = (producer: TransactionalProducer, value: string, partition: number): void =>
  producer.append(TOPIC, partition, bytes(value), bytes(value), 1);

type Outcome = 'committed' | 'fenced' | 'failed' | 'unanswered';

const faultOf = (choice: number): Fault | undefined => {
  if (choice < 45) return undefined;
  if (choice < 85) return { delayMs: (choice - 44) * 7 };
  if (choice < 97) return { then: 'fail' };
  return { then: 'crash' };
};

/** Takes its faults from a list of choices, in the order of the operations; then there are none. */
const chosenFaults = (choices: readonly number[]): FaultInjector => {
  let taken = 0;
  const next = (): Fault | undefined => faultOf(choices[taken++] ?? 0);
  return { before: next, after: next };
};

interface Action {
  readonly owner: number;
  readonly kind: 'init' | 'commit';
  readonly pauseMs: number;
}

const OWNERS = 4;

/** One owner of each id is ready before the race begins. */
const START: readonly Action[] = [0, 1].map((owner) => ({ owner, kind: 'init', pauseMs: 10 }));

const actions = fc
  .array(
    fc.record({
      owner: fc.nat(OWNERS - 1),
      kind: fc.constantFrom<Action['kind']>('init', 'commit', 'commit'),
      pauseMs: fc.nat(60),
    }),
    { maxLength: 25 },
  )
  .map((script) => [...START, ...script]);

/** Owners of two transactional ids act at the same time; each transaction writes two partitions and one offset. */
async function race(
  script: readonly Action[],
  choices: readonly number[],
): Promise<{ log: InMemoryLog; outcomes: Outcome[] }> {
  const clock = new VirtualClock();
  const log = new InMemoryLog({ clock, faults: chosenFaults(choices) });
  log.createTopics([{ name: TOPIC, partitions: 2, config: {} }]);
  const outcomes: Outcome[] = [];
  const owners = Array.from({ length: OWNERS }, (_, owner) => {
    const client = log.client(`owner-${owner}`);
    const transactionalId = `id-${owner % 2}`;
    return { client, transactionalId, producer: client.producer(transactionalId), turn: Promise.resolve() };
  });
  type Owner = (typeof owners)[number];
  const takeOver = async (owner: Owner): Promise<void> => {
    owner.producer = owner.client.producer(owner.transactionalId);
    await owner.producer.init().catch(() => undefined);
  };
  const commit = async (producer: TransactionalProducer): Promise<void> => {
    const transaction = outcomes.push('unanswered') - 1;
    try {
      append(producer, `${transaction}`, 0);
      append(producer, `${transaction}`, 1);
      await producer.commit(`group-${transaction}`, [{ ...partitionOf(0), offset: transaction }]);
      outcomes[transaction] = 'committed';
    } catch (error) {
      outcomes[transaction] = error instanceof ProducerFencedError ? 'fenced' : 'failed';
      await producer.abort().catch(() => undefined);
    }
  };
  for (const { owner, kind, pauseMs } of script) {
    const acting = owners[owner] as Owner;
    acting.turn = acting.turn.then(() => (kind === 'init' ? takeOver(acting) : commit(acting.producer)));
    await clock.advance(pauseMs);
  }
  // Past the transaction timeout, whatever a dead owner left open is aborted.
  await clock.advance(200_000);
  return { log, outcomes };
}

test('transactions are atomic and owners exclusive under any faults [INV-LOG-ATOMIC]', async () => {
  await fc.assert(
    fc.asyncProperty(actions, fc.array(fc.nat(99), { maxLength: 120 }), async (script, choices) => {
      const { log, outcomes } = await race(script, choices);
      const [left, right] = [values(log, 0), values(log, 1)];
      expect([...right].sort()).toEqual([...left].sort());
      expect(new Set(left).size).toBe(left.length);
      outcomes.forEach((outcome, transaction) => {
        const visible = left.includes(`${transaction}`);
        expect(log.committedOffset(`group-${transaction}`, partitionOf(0))).toBe(visible ? transaction : undefined);
        if (outcome === 'committed') expect(visible).toBe(true);
        if (outcome === 'fenced') expect(visible).toBe(false);
      });
    }),
    { numRuns: 150 },
  );
});

test('the same script and faults give the same log, to the offset and the millisecond [INV-LOG-DETERMINISTIC]', async () => {
  await fc.assert(
    fc.asyncProperty(actions, fc.array(fc.nat(99), { maxLength: 120 }), async (script, choices) => {
      const [first, second] = [await race(script, choices), await race(script, choices)];
      expect(first.outcomes).toEqual(second.outcomes);
      for (const partition of [0, 1]) {
        expect(first.log.records(partitionOf(partition))).toEqual(second.log.records(partitionOf(partition)));
      }
    }),
    { numRuns: 30 },
  );
});
