import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventWriter } from '../../../cli/replay/event-writer.ts';
import type { MysqlDatabase } from '../../../connectors/mysql/database.ts';
import { DatabaseSetupError, DatabaseUnavailableError } from '../../../connectors/mysql/errors.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { LogRecord } from '../../../streams/ports.ts';
import { jsonSerde } from '../../../streams/serdes.ts';
import { lifeOf, lifecycleEvent } from '../../support/sink-events.ts';
import { TestDatabase } from '../sink/test-database.ts';

const serde = jsonSerde<LifecycleEvent>();

const recordsOf = (events: readonly LifecycleEvent[]): LogRecord[] =>
  events.map((event, offset) => {
    const value = serde.serialize('', event);
    return { offset: 1_000 + offset, timestampMs: event.timestamp, key: null, value, headers: undefined };
  });

describe('writing the events of a replay', () => {
  let stored: TestDatabase;

  beforeAll(async () => {
    stored = await TestDatabase.create();
  });
  beforeEach(() => stored.clear());
  afterAll(() => stored?.drop());

  const writerOn = (database: MysqlDatabase, signal = new AbortController().signal): EventWriter =>
    new EventWriter({
      ...{ database, deserializer: serde, clock: systemClock, signal },
      replayId: 'test',
      alertEventsTopic: 'alert-events',
    });

  /** The same database, but the transactions of these numbers fail, before their commit or after it. */
  const failing = (faults: Readonly<Record<number, 'before' | 'after'>>, error: Error): MysqlDatabase => {
    let count = 0;
    const { database } = stored;
    return {
      query: (sql, values) => database.query(sql, values),
      change: (sql, values) => database.change(sql, values),
      session: (work) => database.session(work),
      close: () => database.close(),
      transaction: async (work) => {
        const fault = faults[count++];
        if (fault === 'before') throw error;
        const result = await database.transaction(work);
        if (fault === 'after') throw error;
        return result;
      },
    };
  };

  const life = lifeOf('a-1').slice(0, 4);

  it('rides out faults, also where nobody can tell whether a commit took effect, and leaves no position behind', async () => {
    await stored.database.change("INSERT INTO sink_offsets VALUES ('alert-events', 0, 77)");
    const away = new DatabaseUnavailableError('X', 'away');
    const writer = writerOn(failing({ 0: 'before', 1: 'after', 3: 'after' }, away));
    for (const event of life) await writer.write(0, recordsOf([event]));
    expect((await stored.image()).events.map(({ eventId }) => eventId)).toEqual(life.map(({ eventId }) => eventId));
    expect(await stored.position('alert-events:replay:test', 0)).toBe(4);
    await writer.close();
    expect(await stored.position('alert-events:replay:test', 0)).toBeUndefined();
    expect(await stored.position('alert-events', 0)).toBe(77);
  });

  it('gives up at once where waiting does not help, or when it is told to', async () => {
    const refused = writerOn(failing({ 0: 'before' }, new DatabaseSetupError('X', 'no such table')));
    await expect(refused.write(0, recordsOf(life))).rejects.toThrow('no such table');
    const away = failing({ 0: 'before' }, new DatabaseUnavailableError('X', 'away'));
    await expect(writerOn(away, AbortSignal.abort()).write(0, recordsOf(life))).rejects.toThrow('away');
  });

  it('counts what the tables do not take, and goes on', async () => {
    const writer = writerOn(stored.database);
    const odd = lifecycleEvent({ alertId: 'odd', driverId: 'x'.repeat(1_000) });
    await writer.write(0, recordsOf([odd, ...life]));
    expect(writer.refused).toBe(1);
    expect((await stored.image()).events).toHaveLength(life.length);
    await writer.close();
  });
});
