import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { RetriableLogError } from '../../../connectors/log.ts';
import type { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { lifecycleEvent, lifeOf } from '../../support/sink-events.ts';
import { naiveImage } from '../../support/sink-model.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import type { HarnessOptions } from './sink-harness.ts';
import {
  append,
  DEAD_LETTERS,
  encodeEvent,
  eventually,
  eventuallyEqual,
  newLog,
  RunningSink,
  TOPIC,
} from './sink-harness.ts';
import { serverUrl, storedForm, TestDatabase, urlOf } from './test-database.ts';

let tables: TestDatabase;
let proxy: TcpProxy;
let running: RunningSink[] = [];

beforeAll(async () => {
  tables = await TestDatabase.create();
  const { hostname, port } = new URL(serverUrl());
  proxy = await TcpProxy.start(hostname, Number(port));
});
afterAll(async () => {
  await proxy.close();
  await tables.drop();
});
beforeEach(() => tables.clear());
afterEach(async () => {
  proxy.restore();
  for (const sink of running) await sink.stop();
  running = [];
});

const start = (log: InMemoryLog, options: Partial<HarnessOptions> = {}): RunningSink => {
  const sink = new RunningSink(log, { url: tables.url, ...options });
  running.push(sink);
  return sink;
};

/** Interleaved lives of as many alerts, some of them purged, with and without an archive. */
const sampleEvents = (prefix: string, alerts = 20): readonly LifecycleEvent[] => {
  const lives = Array.from({ length: alerts }, (_, index) =>
    lifeOf(`${prefix}-${index}`, index % 3 !== 0).slice(0, 1 + (index % 5)),
  );
  return [0, 1, 2, 3, 4].flatMap((step) => lives.flatMap((life) => life[step] ?? []));
};

const appendEvents = (log: InMemoryLog, partition: number, events: readonly LifecycleEvent[]): Promise<void> =>
  append(log, partition, events.map(encodeEvent));

const expectStored = (events: readonly LifecycleEvent[]): Promise<void> =>
  eventuallyEqual(() => tables.image(), storedForm(naiveImage(events)));

const positions = async (): Promise<readonly (number | undefined)[]> => [
  await tables.position(TOPIC, 0),
  await tables.position(TOPIC, 1),
];

const a = sampleEvents('a');
const b = sampleEvents('b');

describe('the sink', () => {
  it('writes every partition and goes on where the tables stand after a restart', async () => {
    const log = newLog();
    await appendEvents(log, 0, a.slice(0, 20));
    await appendEvents(log, 1, b);
    const first = start(log);
    await expectStored([...a.slice(0, 20), ...b]);
    expect(first.sink.status.ready).toBe(true);
    await first.stop();
    expect(first.sink.status).toEqual({ ready: false, reason: 'stopped' });
    await appendEvents(log, 0, a.slice(20));
    start(log);
    await expectStored([...a, ...b]);
    expect(await positions()).toEqual([a.length, b.length]);
  });

  it('[INV-SINK-REPLAY] leaves the same tables when it is fed the same topic twice', async () => {
    const log = newLog();
    await appendEvents(log, 0, a);
    const first = start(log);
    await expectStored(a);
    await first.stop();
    await tables.database.change('DELETE FROM sink_offsets');
    start(log, { groupId: 'again' });
    await eventually(async () => expect(await tables.position(TOPIC, 0)).toBe(a.length));
    expect(await tables.image()).toEqual(storedForm(naiveImage(a)));
  });

  it('[INV-SINK-POSITION] trusts the tables over the offsets of its group', async () => {
    const log = newLog();
    await appendEvents(log, 0, a);
    const producer = log.client('writer').producer('offsets');
    await producer.init();
    await producer.commit('alerts-sink', [{ topic: TOPIC, partition: 0, offset: a.length }]);
    start(log);
    await expectStored(a);
  });

  it('[INV-SINK-FENCE] has no double effects when two sinks that do not know of each other read one partition', async () => {
    const log = newLog();
    start(log, { maxBatchRecords: 3 });
    start(log, { maxBatchRecords: 2, groupId: 'zombie' });
    for (let from = 0; from < a.length; from += 5) await appendEvents(log, 0, a.slice(from, from + 5));
    await expectStored(a);
    expect(await tables.position(TOPIC, 0)).toBe(a.length);
  });

  it('shares the partitions with another sink of its group, and takes them back when that one leaves', async () => {
    const log = newLog();
    start(log);
    const other = start(log);
    await appendEvents(log, 0, a.slice(0, 10));
    await appendEvents(log, 1, b.slice(0, 10));
    await expectStored([...a.slice(0, 10), ...b.slice(0, 10)]);
    await other.stop();
    await appendEvents(log, 0, a.slice(10));
    await appendEvents(log, 1, b.slice(10));
    await expectStored([...a, ...b]);
  });
});

describe('poison', () => {
  it('[INV-SINK-POISON] goes to the dead letters, whole and with its reason, and nothing else does', async () => {
    const log = newLog();
    const refused = lifecycleEvent({ alertId: 'refused', alertMetadata: '{"broken"' });
    const tooLong = lifecycleEvent({ alertId: 'long', driverId: 'x'.repeat(200) });
    const garbage = new TextEncoder().encode('garbage');
    const values = [
      ...a.slice(0, 5).map(encodeEvent),
      garbage,
      ...a.slice(5, 13).map(encodeEvent),
      encodeEvent(refused),
      encodeEvent(refused),
      ...a.slice(13, 20).map(encodeEvent),
      encodeEvent(tooLong),
      ...a.slice(20).map(encodeEvent),
    ];
    await append(log, 0, values);
    start(log, { maxBatchRecords: 12 });
    await expectStored(a);
    await eventually(async () => expect(await tables.position(TOPIC, 0)).toBe(values.length));

    const letters = log.records({ topic: DEAD_LETTERS, partition: 0 });
    const text = (bytes: Uint8Array | null | undefined): string => new TextDecoder().decode(bytes ?? undefined);
    const header = (letter: (typeof letters)[number], name: string): string =>
      text(letter.headers?.find(([header]) => header === `__streams.errors.${name}`)?.[1]);
    const summary = letters.map((letter) => [
      header(letter, 'stage'),
      header(letter, 'code'),
      header(letter, 'topic'),
      header(letter, 'offset'),
    ]);
    expect(summary.sort((x, y) => Number(x[3]) - Number(y[3]))).toEqual([
      ['deserialization', 'UNREADABLE', TOPIC, '5'],
      ['sink', expect.stringMatching(/./), TOPIC, '14'],
      ['sink', expect.stringMatching(/./), TOPIC, '15'],
      ['sink', 'UNSTORABLE_EVENT', TOPIC, '23'],
    ]);
    expect(letters.map(({ value }) => text(value)).sort()).toEqual(
      [garbage, encodeEvent(refused), encodeEvent(refused), encodeEvent(tooLong)].map(text).sort(),
    );
    expect(letters.every(({ key }) => text(key) === 'driver')).toBe(true);
  });
});

describe('[INV-SINK-POISON] the dead letters being away', () => {
  it('keeps the position in front of the poison until it is safe there', async () => {
    const log = newLog();
    await append(log, 0, [...a.slice(0, 5).map(encodeEvent), new TextEncoder().encode('garbage')]);
    await appendEvents(log, 0, a.slice(5));
    let away = true;
    let attempts = 0;
    const { sink } = start(log, {
      maxBatchRecords: 5,
      wrapDeadLetters: (producer) => ({
        close: () => producer.close(),
        send: (records) => {
          attempts += 1;
          return away ? Promise.reject(new RetriableLogError('TEST', 'The broker is away.')) : producer.send(records);
        },
      }),
    });
    await eventually(() => expect(attempts).toBeGreaterThan(2));
    expect(sink.status.ready).toBe(false);
    expect(await tables.position(TOPIC, 0)).toBe(5);
    expect(log.records({ topic: DEAD_LETTERS, partition: 0 })).toEqual([]);
    away = false;
    await expectStored(a);
    expect(log.records({ topic: DEAD_LETTERS, partition: 0 })).toHaveLength(1);
  });
});

describe('an outage of the database', () => {
  it.each(['cut', 'hang'] as const)('[INV-SINK-OUTAGE] is waited out and loses nothing (%s)', async (fault) => {
    const log = newLog();
    await appendEvents(log, 0, a.slice(0, 10));
    const { sink } = start(log, { url: urlOf(tables.name, proxy.port), statementTimeoutMs: 500 });
    await expectStored(a.slice(0, 10));
    proxy[fault]();
    await appendEvents(log, 0, a.slice(10));
    await appendEvents(log, 1, b);
    await eventually(() => expect(sink.status.ready).toBe(false));
    const acceptedBefore = proxy.accepted;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(sink.status.ready).toBe(false);
    // The breaker holds calls back: without it there would be a connection for every tenth of a second.
    expect(proxy.accepted - acceptedBefore).toBeLessThan(15);
    const lagOf = async (name: string) =>
      (await sink.measureLag()).filter((measured) => measured.name === name).map(({ value }) => value);
    expect(await lagOf('sink_lag_records')).toEqual([a.length - 10, b.length]);
    expect(Math.max(...(await lagOf('sink_lag_seconds')))).toBeGreaterThan(2);
    proxy.restore();
    await expectStored([...a, ...b]);
    await eventually(() => expect(sink.status.ready).toBe(true));
    await eventually(async () => expect(await lagOf('sink_lag_records')).toEqual([0, 0]));
  });

  it('does not keep the sink from stopping', async () => {
    const log = newLog();
    const sink = start(log, { url: urlOf(tables.name, proxy.port), statementTimeoutMs: 500 });
    await eventually(() => expect(sink.sink.status.ready).toBe(true));
    proxy.cut();
    await appendEvents(log, 0, a);
    await eventually(() => expect(sink.sink.status.ready).toBe(false));
    await sink.stop();
    await expect(sink.done).resolves.toBeUndefined();
  });

  it('is survived from the very start', async () => {
    const log = newLog();
    await appendEvents(log, 0, a);
    proxy.cut();
    start(log, { url: urlOf(tables.name, proxy.port) });
    await new Promise((resolve) => setTimeout(resolve, 500));
    proxy.restore();
    await expectStored(a);
  });
});

describe('a position that does not fit the log', () => {
  it('begins at what is left when retention went past it', async () => {
    const log = newLog();
    await appendEvents(log, 0, a);
    const first = start(log);
    await expectStored(a);
    await first.stop();
    await tables.clear();
    await tables.database.change(`INSERT INTO sink_offsets VALUES ('${TOPIC}', 0, 3)`);
    log.deleteRecordsBefore({ topic: TOPIC, partition: 0 }, 10);
    start(log);
    await expectStored(a.slice(10));
    expect(await tables.position(TOPIC, 0)).toBe(a.length);
  });

  it('stops with a way out when the log ends before it', async () => {
    const log = newLog();
    await appendEvents(log, 0, a.slice(0, 5));
    await tables.database.change(`INSERT INTO sink_offsets VALUES ('${TOPIC}', 0, 1000)`);
    const sink = start(log);
    await expect(sink.done).rejects.toThrow(/stand at offset 1000 .* log ends at 5.*DELETE FROM sink_offsets/s);
    expect(sink.sink.status.ready).toBe(false);
    expect((await tables.image()).alerts).toEqual([]);
  });
});

describe('a database that was not set up', () => {
  it('stops the sink and names the table', async () => {
    const log = newLog();
    await tables.database.change('RENAME TABLE sink_offsets TO sink_offsets_elsewhere');
    try {
      const sink = start(log);
      await expect(sink.done).rejects.toThrow(/sink_offsets.*Run the migrations/s);
    } finally {
      await tables.database.change('RENAME TABLE sink_offsets_elsewhere TO sink_offsets');
    }
  });
});
