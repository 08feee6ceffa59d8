import { afterEach, describe, expect, it } from 'vitest';
import type { QueryError } from '../../../streams/queries/query-error.ts';
import type { FaultInjector } from '../../../streams/testing/in-memory-faults.ts';
import { bytes, partitionOf, QueryWorld } from './queries-world.ts';

const KEYS = Array.from({ length: 20 }, (_, index) => `key-${String(index).padStart(2, '0')}`);
const once = KEYS.map((key) => [key, 'x'] as const);

const refusal = async (answer: Promise<unknown>): Promise<QueryError> => {
  try {
    await answer;
  } catch (error) {
    return error as QueryError;
  }
  throw new Error('The query was answered.');
};

describe('interactive queries', () => {
  let world: QueryWorld;
  afterEach(() => world.stop());

  it('are answered by the instance that owns the key, whichever is asked [INV-QUERY-ROUTED]', async () => {
    world = new QueryWorld();
    world.start('a');
    world.start('b');
    await world.clock.advance(5_000);
    await world.send(...once, ...once);
    await world.clock.advance(1_000);
    const owners = new Set<string>();
    for (const key of KEYS) {
      owners.add(world.ownerOf(key).owner);
      for (const asked of ['a', 'b']) {
        const answer = await world.ask(asked, key);
        expect(answer).toMatchObject({ entries: [{ key, value: 2 }], source: 'active', lagRecords: 0, stalenessMs: 0 });
      }
    }
    expect([...owners].sort()).toEqual(['a', 'b']);
  });

  it('see what is committed and nothing else [INV-QUERY-COMMITTED]', async () => {
    const holdCommits = { now: false };
    const faults: FaultInjector = {
      before: ({ kind }) => (holdCommits.now && kind.startsWith('producer.') ? { delayMs: 2_000 } : undefined),
      after: () => undefined,
    };
    world = new QueryWorld(faults);
    world.start('a');
    await world.clock.advance(1_000);
    await world.send(['key', 'x']);
    await world.clock.advance(1_000);
    holdCommits.now = true;
    await world.send(['key', 'x']);
    await world.clock.advance(100);
    expect((await world.ask('a', 'key')).entries).toEqual([{ key: 'key', value: 1 }]);
    await world.clock.advance(20_000);
    expect((await world.ask('a', 'key')).entries).toEqual([{ key: 'key', value: 2 }]);
  });

  it('wait for the position that the asker has seen, and say so when it is not reached [INV-QUERY-POSITION]', async () => {
    world = new QueryWorld();
    const { streams } = world.start('a');
    await world.clock.advance(1_000);
    const input = `input-${partitionOf('key')}`;
    await world.send(['key', 'x'], ['key', 'x']);
    const seen = await world.ask('a', 'key', { bounds: { minPositions: { [input]: 2 }, waitMs: 1_000 } });
    expect(seen.entries).toEqual([{ key: 'key', value: 2 }]);
    expect(seen.position[input]).toBeGreaterThanOrEqual(2);
    const bounds = { minPositions: { [input]: 99 }, waitMs: 50 };
    const late = await refusal(world.ask('a', 'key', { bounds }));
    expect(late).toMatchObject({ code: 'POSITION_NOT_REACHED', recovery: 'retry' });
    expect(streams.state).toBe('RUNNING');
  });

  it('come in pages that go on where the last one stopped, in both directions [INV-QUERY-BOUNDED]', async () => {
    world = new QueryWorld();
    world.start('a');
    await world.clock.advance(1_000);
    await world.send(...once);
    await world.clock.advance(1_000);
    const mine = KEYS.filter((key) => partitionOf(key) === 0);
    expect(mine.length).toBeGreaterThan(3);
    for (const reverse of [false, true]) {
      const found: unknown[] = [];
      let after: Uint8Array | undefined;
      do {
        const query = { kind: 'prefix', prefix: bytes('key-'), reverse } as const;
        const page = await world.ask('a', '', { query, partition: 0, limit: 2, ...(after && { after }) });
        expect(page.entries.length).toBeLessThanOrEqual(2);
        found.push(...page.entries.map(({ key }) => key));
        after = page.next;
      } while (after !== undefined);
      expect(found).toEqual(reverse ? [...mine].reverse() : mine);
    }
    const range = { kind: 'range', from: bytes(mine[1] as string), to: bytes(mine[3] as string) } as const;
    const some = await world.ask('a', '', { query: range, partition: 0 });
    expect(some.entries.map(({ key }) => key)).toEqual(mine.slice(1, 3));
    const tooMany = await refusal(world.ask('a', '', { query: range, partition: 0, limit: 1_001 }));
    expect(tooMany.code).toBe('QUERY_INVALID');
  });

  it('are answered by a warm copy when the owner is dead and stale answers are allowed, within the bound [INV-QUERY-STALE]', async () => {
    world = new QueryWorld();
    world.start('a', { standbyReplicas: 1 });
    world.start('b', { standbyReplicas: 1 });
    await world.clock.advance(5_000);
    await world.send(['key', 'x'], ['key', 'x']);
    await world.clock.advance(5_000);
    const { owner, other } = world.ownerOf('key');
    expect((await refusal(world.ask(other, 'key', { partition: 99 }))).code).toBe('PARTITION_UNKNOWN');
    world.instances.get(owner)?.kill();
    const dead = await refusal(world.ask(other, 'key'));
    expect(dead).toMatchObject({ code: 'OWNER_UNREACHABLE', owner: `http://${owner}`, recovery: 'retry' });
    expect(dead.retryAfterMs).toBeGreaterThan(0);
    const stale = await world.ask(other, 'key', { bounds: { stale: true, maxLagRecords: 0 } });
    expect(stale).toMatchObject({ entries: [{ key: 'key', value: 2 }], source: 'standby', lagRecords: 0 });
    expect(stale.stalenessMs).toBeLessThan(1_000);
    await world.clock.advance(60_000);
    expect(await world.ask(other, 'key')).toMatchObject({ entries: [{ key: 'key', value: 2 }], source: 'active' });
  });

  it('are refused by a copy that is further behind than allowed, in records or in time [INV-QUERY-STALE]', async () => {
    const hold = { from: '' };
    const faults: FaultInjector = {
      before: ({ kind, clientId }) =>
        kind === 'reader.fetch' && clientId === hold.from ? { delayMs: 60_000 } : undefined,
      after: () => undefined,
    };
    world = new QueryWorld(faults);
    world.start('a', { standbyReplicas: 1 });
    world.start('b', { standbyReplicas: 1 });
    await world.clock.advance(5_000);
    await world.send(['key', 'x']);
    await world.clock.advance(5_000);
    const { owner, other } = world.ownerOf('key');
    await world.ask(other, 'key', { bounds: { stale: true } });
    hold.from = other;
    await world.send(['key', 'x'], ['key', 'x']);
    await world.clock.advance(3_000);
    await world.send(['key', 'x']);
    await world.clock.advance(3_000);
    world.instances.get(owner)?.kill();
    const tooFar = await refusal(world.ask(other, 'key', { bounds: { stale: true, maxLagRecords: 0 } }));
    expect(tooFar).toMatchObject({ code: 'OWNER_UNREACHABLE' });
    const anyhow = await world.ask(other, 'key', { bounds: { stale: true } });
    expect(anyhow.lagRecords).toBeGreaterThan(0);
    const asOld = await refusal(world.ask(other, 'key', { bounds: { stale: true, maxStalenessMs: 1_000 } }));
    expect(asOld.code).toBe('OWNER_UNREACHABLE');
  });

  it('say what is wrong with a question that has no answer', async () => {
    world = new QueryWorld();
    world.start('a');
    expect((await refusal(world.ask('a', 'key'))).code).toBe('NOT_RUNNING');
    await world.clock.advance(1_000);
    const unknown = await refusal(world.ask('a', 'key', { store: 'nothing' }));
    expect(unknown).toMatchObject({ code: 'STORE_UNKNOWN', message: expect.stringContaining('counts') as string });
    const unplaced = await refusal(world.ask('a', 'key', { query: { kind: 'range' } }));
    expect(unplaced.code).toBe('QUERY_INVALID');
    const window = { kind: 'window', key: bytes('key'), fromMs: 0, toMs: 1 } as const;
    expect((await refusal(world.ask('a', 'key', { query: window }))).message).toContain('key, range, prefix');
  });
});
