import { describe, expect, test } from 'vitest';
import { type Clock, RetriableLogError } from '../../../connectors/log.ts';
import { IncidentReads, type IncidentStore } from '../../../gateway/incidents/incident-reads.ts';
import { emptyIncident } from '../../../processors/incidents/decide-signal.ts';
import type { Incident } from '../../../schemas/incident.ts';
import type { IncidentReadModel } from '../../../sink/read-model-incidents.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { newIncidentId, START_MS } from '../../support/incident-system.ts';

const at = (id: string, version: number): Incident => ({ ...emptyIncident(id, START_MS), version });

/** Tables that are so many looks behind the store. */
const world = (incident: Incident, looksBehind: number, store?: IncidentStore) => {
  let nowMs = START_MS;
  const clock: Clock = { now: () => nowMs, sleep: async (ms) => void (nowMs += ms) };
  let looks = 0;
  const row = (): Incident => (looks > looksBehind ? incident : at(incident.id, incident.version - 1));
  const readModel: IncidentReadModel = {
    get: async () => {
      looks += 1;
      return row();
    },
    list: async () => ({ incidents: [row()], nextCursor: undefined }),
    latest: async () => [row()],
    events: async () => [],
  };
  const inStore = store ?? { get: async () => incident };
  const reads = new IncidentReads({
    store: inStore,
    readModel,
    clock,
    logger: silentLogger,
    catchUpMs: 2_000,
    seenOf: () => ({}),
  });
  return { reads, looks: () => looks };
};

describe('reads of incidents', () => {
  test('lists show what was answered before, and look only once after an answer', async () => {
    const incident = at(newIncidentId(), 3);
    const { reads, looks } = world(incident, 4);
    reads.answered(incident);
    expect((await reads.list({}, undefined, 10)).incidents).toEqual([incident]);
    expect(await reads.latest(10)).toEqual([incident]);
    expect(looks()).toBe(5);
  });

  test('lists do not wait for tables that stay behind', async () => {
    const incident = at(newIncidentId(), 3);
    const { reads } = world(incident, Infinity);
    reads.answered(incident);
    expect((await reads.latest(10)).map(({ version }) => version)).toEqual([2]);
  });

  test('what the store has forgotten is in the tables, and they answer while it cannot be asked', async () => {
    const incident = at(newIncidentId(), 1);
    const forgotten = world(incident, 0, { get: async () => undefined });
    expect(await forgotten.reads.get(incident.id)).toEqual(incident);
    const away = world(incident, 3, {
      get: async () => {
        throw new RetriableLogError('REBALANCING', 'The partition is being handed over.');
      },
    });
    away.reads.answered(incident);
    expect(await away.reads.get(incident.id)).toEqual(incident);
  });
});
