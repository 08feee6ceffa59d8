import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IncidentEvent } from '../../../schemas/incident-event.ts';
import { incidentTables } from '../../../sink/incidents/incident-tables.ts';
import { PositionMovedError, readPosition } from '../../../sink/positions.ts';
import { openIncidentReadModel } from '../../../sink/read-model-incidents.ts';
import { IncidentSystem, logAlert, MINUTE, START_MS } from '../../support/incident-system.ts';
import { TestDatabase } from '../sink/test-database.ts';

const AT = { topic: 'incident-events', partition: 0 };

let tables: TestDatabase;
let log: readonly IncidentEvent[];

/** What the topology makes of two incidents that go through everything. */
const makeLog = async (): Promise<readonly IncidentEvent[]> => {
  const system = await IncidentSystem.start();
  for (const service of ['auth', 'mail']) await system.alert(logAlert(service, 'r1', START_MS));
  await system.alert(logAlert('auth', 'r2', START_MS + MINUTE));
  for (const { id } of system.incidents()) {
    await system.command(id, 'COMMENT', { text: 'Looking “into” it', actor: 'anna' });
    await system.setStatus(id, 'ACK', { actor: 'anna' });
    await system.setStatus(id, 'RESOLVED');
  }
  await system.until(START_MS + 60 * MINUTE);
  await system.alert(logAlert('mail', 'r1', START_MS + 60 * MINUTE));
  await system.close();
  return system.events;
};

beforeAll(async () => {
  tables = await TestDatabase.create();
  log = await makeLog();
});
afterAll(() => tables.drop());
beforeEach(async () => {
  for (const table of ['incidents', 'sink_offsets']) await tables.database.change(`DELETE FROM ${table}`);
});

const offsetsOf = (from: number, until: number): readonly number[] =>
  Array.from({ length: until - from }, (_, index) => from + index);

const apply = (from: number, until: number) =>
  incidentTables.apply(
    tables.database,
    log.slice(from, until),
    { ...AT, expected: from, next: until },
    offsetsOf(from, until),
  );

const rewind = async (position: number): Promise<void> => {
  await readPosition(tables.database, AT, position);
  await tables.database.change('UPDATE sink_offsets SET next_offset = ?', [position]);
};

const image = async () => {
  const model = openIncidentReadModel(tables.database);
  const { incidents } = await model.list({}, undefined, 100);
  const events = await Promise.all(incidents.map(({ id }) => model.events(id)));
  return { incidents, events: events.flat() };
};

describe('the tables of the incidents', () => {
  it('[INV-INCIDENT-TABLES] end alike wherever the log is cut and whatever stretch of it is applied again', async () => {
    await rewind(0);
    await apply(0, log.length);
    const whole = await image();
    expect(whole.incidents.map(({ service, status }) => [service, status]).sort()).toEqual([
      ['auth', 'RESOLVED'],
      ['mail', 'OPEN'],
    ]);
    expect(whole.events).toHaveLength(log.length);
    const cut = fc.integer({ min: 0, max: log.length });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cut, cut), { maxLength: 4 }), async (stretches) => {
        await tables.database.change('DELETE FROM incidents');
        for (const [a, b] of [...stretches, [0, log.length] as const]) {
          const [from, until] = [Math.min(a, b), Math.max(a, b)];
          await rewind(from);
          if (until > from) await apply(from, until);
        }
        expect(await image()).toEqual(whole);
      }),
      { numRuns: 20, interruptAfterTimeLimit: 30_000 },
    );
  });

  it('[INV-INCIDENT-TABLES] move with their position or not at all', async () => {
    await rewind(3);
    await expect(apply(0, 2)).rejects.toBeInstanceOf(PositionMovedError);
    expect((await image()).incidents).toEqual([]);
  });

  it('take no event that does not carry its incident', () => {
    const event = log[0] as IncidentEvent;
    expect(incidentTables.problemWith(event)).toBeUndefined();
    expect(incidentTables.problemWith({ ...event, sequence: 9 })).toContain('eventId');
    expect(incidentTables.problemWith({ ...event, incident: '{}' })).toContain('incident');
    expect(incidentTables.problemWith({ ...event, actor: 'x'.repeat(300) })).toContain('actor');
  });
});
