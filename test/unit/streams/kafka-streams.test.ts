import { afterEach, describe, expect, it } from 'vitest';
import type { KafkaStreamsState } from '../../../streams/client/client-state.ts';
import type { KafkaStreams } from '../../../streams/client/kafka-streams.ts';
import type { UncaughtExceptionResponse } from '../../../streams/thread.ts';
import { partitionOf, QueryWorld } from './queries-world.ts';

const statesOf = (streams: KafkaStreams): KafkaStreamsState[] => {
  const states: KafkaStreamsState[] = [streams.state];
  streams.setStateListener((state, former) => {
    expect(former).toBe(states.at(-1));
    states.push(state);
  });
  return states;
};

describe('KafkaStreams', () => {
  let world: QueryWorld;
  afterEach(() => world.stop());

  it('tells its state from start to end, rebalances included', async () => {
    world = new QueryWorld();
    const { streams } = world.start('a');
    const states = statesOf(streams);
    await world.clock.advance(2_000);
    expect(states).toEqual(['REBALANCING', 'RUNNING']);
    world.start('b');
    await world.clock.advance(5_000);
    expect(states).toEqual(['REBALANCING', 'RUNNING', 'REBALANCING', 'RUNNING']);
    expect(await world.clock.runUntil(streams.close())).toBe(true);
    expect(states.slice(-2)).toEqual(['PENDING_SHUTDOWN', 'NOT_RUNNING']);
    expect(() => streams.start()).toThrow('NOT_RUNNING');
  });

  /** An instance with one poisonous record in front of it, and another one, both with the response. */
  const poisoned = async (response: UncaughtExceptionResponse) => {
    world = new QueryWorld();
    const { streams } = world.start('a', { sessionTimeoutMs: 10_000 });
    const { streams: other } = world.start('b', { sessionTimeoutMs: 10_000 });
    const failures: string[] = [];
    for (const one of [streams, other]) {
      one.setUncaughtExceptionHandler((failure) => {
        failures.push(failure.message);
        return response;
      });
    }
    await world.clock.advance(5_000);
    const { owner } = world.ownerOf('key');
    const [victim, bystander] = owner === 'a' ? [streams, other] : [other, streams];
    const states = { victim: statesOf(victim), bystander: statesOf(bystander) };
    return { victim, bystander, states, failures };
  };

  it('replaces a thread that fails: the client goes on with another one [INV-CLIENT-FAILURE]', async () => {
    const { victim, states, failures } = await poisoned('replace-thread');
    await world.send(['key', 'poison']);
    await world.clock.advance(3_000);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures[0]).toContain('poison');
    expect(victim.threadStates).toHaveLength(1);
    expect(states.victim).not.toContain('PENDING_ERROR');
  });

  it('stops the client that fails and leaves the others running [INV-CLIENT-FAILURE]', async () => {
    const { bystander, states, failures } = await poisoned('shutdown-client');
    bystander.pause();
    await world.send(['key', 'poison']);
    await world.clock.advance(20_000);
    expect(failures).toHaveLength(1);
    expect(states.victim.slice(-2)).toEqual(['PENDING_ERROR', 'ERROR']);
    expect(bystander.state).toBe('RUNNING');
  });

  it('stops every instance when one says so [INV-CLIENT-FAILURE]', async () => {
    const { victim, bystander, states, failures } = await poisoned('shutdown-application');
    await world.send(['key', 'poison']);
    await world.clock.advance(30_000);
    expect(failures).toHaveLength(1);
    expect([victim.state, bystander.state]).toEqual(['ERROR', 'ERROR']);
    expect(states.bystander.slice(-2)).toEqual(['PENDING_ERROR', 'ERROR']);
    expect([...victim.threadStates, ...bystander.threadStates]).toEqual(['dead', 'dead']);
  });

  it('stands still while it is paused and loses nothing [INV-CLIENT-PAUSE]', async () => {
    world = new QueryWorld();
    const { streams } = world.start('a');
    await world.clock.advance(2_000);
    await world.send(['key', 'x']);
    await world.clock.advance(1_000);
    streams.pause();
    expect(streams.isPaused).toBe(true);
    await world.send(['key', 'x'], ['key', 'x']);
    await world.clock.advance(30_000);
    expect((await world.ask('a', 'key')).entries).toEqual([{ key: 'key', value: 1 }]);
    const [thread] = await world.clock.runUntil(streams.metadataForLocalThreads());
    expect(thread?.activeTasks.map(({ status }) => status)).toEqual(['paused', 'paused', 'paused', 'paused']);
    streams.resume();
    await world.clock.advance(2_000);
    expect((await world.ask('a', 'key')).entries).toEqual([{ key: 'key', value: 3 }]);
  });

  it('pauses one task and lets the others go on [INV-CLIENT-PAUSE]', async () => {
    world = new QueryWorld();
    const { streams } = world.start('a');
    await world.clock.advance(2_000);
    const other = Array.from({ length: 50 }, (_, index) => `k${index}`).find(
      (key) => partitionOf(key) !== partitionOf('key'),
    ) as string;
    streams.pause([`0_${partitionOf('key')}`]);
    await world.send(['key', 'x'], [other, 'x']);
    await world.clock.advance(2_000);
    expect((await world.ask('a', 'key')).entries).toEqual([]);
    expect((await world.ask('a', other)).entries).toHaveLength(1);
    streams.resume([`0_${partitionOf('key')}`]);
    await world.clock.advance(2_000);
    expect((await world.ask('a', 'key')).entries).toHaveLength(1);
  });

  it('takes threads on and lets them go while it runs', async () => {
    world = new QueryWorld();
    const { streams } = world.start('a');
    await world.clock.advance(2_000);
    expect(streams.addStreamThread()).toBe(1);
    await world.clock.advance(5_000);
    const shared = await world.clock.runUntil(streams.metadataForLocalThreads());
    expect(shared.map(({ activeTasks }) => activeTasks.length)).toEqual([2, 2]);
    expect(await world.clock.runUntil(streams.removeStreamThread())).toBe(1);
    await world.clock.advance(5_000);
    const [alone] = await world.clock.runUntil(streams.metadataForLocalThreads());
    expect([alone?.activeTasks.length, streams.state]).toEqual([4, 'RUNNING']);
  });

  it('tells of restores from their begin to their end, and of the lag of every store', async () => {
    world = new QueryWorld();
    const { streams } = world.start('a');
    await world.clock.advance(2_000);
    await world.send(['key', 'x'], ['key', 'x']);
    await world.clock.advance(2_000);
    const lags = await world.clock.runUntil(streams.allLocalStorePartitionLags());
    expect(lags.map(({ store, taskId, lag, source }) => [store, taskId, lag, source])).toEqual(
      [0, 1, 2, 3].map((partition) => ['counts', `0_${partition}`, 0, 'active']),
    );
    await world.clock.runUntil(streams.close());
    world.instances.clear();
    const heir = world.start('b').streams;
    const told: string[] = [];
    heir.setGlobalStateRestoreListener({
      onRestoreStart: ({ store, taskId }, from, to) => told.push(`${store} ${taskId} from ${from} to ${to}`),
      onBatchRestored: ({ taskId }, end, restored) => told.push(`${taskId} at ${end}: ${restored}`),
      onRestoreEnd: ({ taskId }, total) => told.push(`${taskId} done: ${total}`),
    });
    await world.clock.advance(2_000);
    const taskId = `0_${partitionOf('key')}`;
    expect(told.filter((line) => line.includes(taskId))).toEqual([
      expect.stringMatching(new RegExp(`^counts ${taskId} from 0 to [1-9]`)),
      expect.stringMatching(new RegExp(`^${taskId} at [1-9]\\d*: [1-9]`)),
      expect.stringMatching(new RegExp(`^${taskId} done: [1-9]`)),
    ]);
  });
});
