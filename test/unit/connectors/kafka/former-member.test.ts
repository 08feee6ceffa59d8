/**
 * A member that comes back after a crash, against a coordinator that answers by script; and the file that remembers it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionFault } from '../../../../connectors/kafka/broker-link.ts';
import { resolveConfig } from '../../../../connectors/kafka/config.ts';
import { GroupMembership } from '../../../../connectors/kafka/group-membership.ts';
import { memberFile } from '../../../../connectors/kafka/member-file.ts';
import { ErrorCode } from '../../../../connectors/kafka/protocol/error-codes.ts';
import {
  encodeAssignment,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  syncGroupApi,
} from '../../../../connectors/kafka/protocol/group-apis.ts';
import type { MemberMemory } from '../../../../streams/ports.ts';
import { silentLogger } from '../../../../streams/testing/silent.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

const OK = { errorCode: ErrorCode.NONE };

class Memory implements MemberMemory {
  readonly remembered: string[] = [];
  readonly #former: string | undefined;

  constructor(former: string | undefined) {
    this.#former = former;
  }

  recall(): string | undefined {
    return this.#former;
  }

  remember(memberId: string): void {
    this.remembered.push(memberId);
  }
}

describe('a member that comes back', () => {
  let cluster: ScriptedCluster;

  beforeEach(() => {
    cluster = new ScriptedCluster();
    const joined = { generationId: 3, leaderId: 'another', members: [] };
    cluster
      .on(leaveGroupApi, () => OK)
      .on(joinGroupApi, ({ memberId }) =>
        memberId === ''
          ? { ...joined, errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: 'fresh' }
          : { ...joined, ...OK, memberId },
      )
      .on(syncGroupApi, () => ({ ...OK, assignment: encodeAssignment([]) }))
      .on(heartbeatApi, () => OK);
  });

  const join = async (memory: MemberMemory): Promise<void> => {
    const config = resolveConfig({ brokers: ['b:1'], clientId: 'c', logger: silentLogger, faultTimeoutMs: 2_000 });
    const assignor = { name: 'none', assign: () => new Map() };
    const options = { groupId: 'g', clientId: 'c', topics: ['in'], assignor, sessionTimeoutMs: 10_000, memory };
    const events = { onRebalance: () => undefined, onFatal: () => undefined };
    const membership = new GroupMembership(cluster, options, config, events);
    await membership.join(new Uint8Array());
    await membership.leave();
  };

  const left = (): string[] => cluster.requests(leaveGroupApi).map(({ memberId }) => memberId);

  test('ends the membership it had before it joins, and remembers the new one before that begins [INV-FORMER-MEMBER]', async () => {
    const memory = new Memory('dead');
    await join(memory);
    expect(cluster.names().slice(0, 3)).toEqual(['LeaveGroup', 'JoinGroup', 'JoinGroup']);
    expect(left()).toEqual(['dead', 'fresh']);
    expect(memory.remembered).toEqual(['fresh']);
  });

  test('leaves nobody when it has no past', async () => {
    await join(new Memory(undefined));
    expect(left()).toEqual(['fresh']);
  });

  test('joins where the group has dropped the former member already', async () => {
    cluster.on(leaveGroupApi, () => ({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID }));
    const memory = new Memory('dead');
    await join(memory);
    expect(memory.remembered).toEqual(['fresh']);
  });

  test('asks again when the connection breaks meanwhile', async () => {
    let faults = 1;
    cluster.on(leaveGroupApi, () => {
      if (faults-- > 0) throw new ConnectionFault('cut');
      return OK;
    });
    await join(new Memory('dead'));
    expect(left()).toEqual(['dead', 'dead', 'fresh']);
  });
});

describe('the file of a member', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'member-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('tells the next process the id that was remembered last, also in a folder that is not there yet', () => {
    const path = join(folder, 'deep', 'member-0');
    expect(memberFile(path, silentLogger).recall()).toBeUndefined();
    memberFile(path, silentLogger).remember('one');
    memberFile(path, silentLogger).remember('two');
    expect(memberFile(path, silentLogger).recall()).toBe('two');
  });

  test('that cannot be read or written is a member that nobody knows, with a warning', () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    writeFileSync(join(folder, 'plain'), '');
    const member = memberFile(join(folder, 'plain', 'member-0'), logger);
    member.remember('one');
    expect(member.recall()).toBeUndefined();
    expect(warnings).toHaveLength(2);
  });
});
