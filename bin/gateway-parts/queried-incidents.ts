/**
 * The incidents as the topology keeps them, asked over HTTP from whichever processor runs the task.
 *
 * Invariant: an answer is committed state that has seen the commands the asker has seen the results of.
 */
import type { IncidentStore } from '../../gateway/incidents/incident-reads.ts';
import { INCIDENTS_STORE } from '../../processors/incidents/store-names.ts';
import type { IncidentState } from '../../processors/incidents/incident-state.ts';
import { partitionOfIncident } from '../../schemas/incident-id.ts';
import type { ClientQuery } from '../../streams/client/query-router.ts';
import { QueryError } from '../../streams/queries/query-error.ts';
import type { QueryAnswer } from '../../streams/queries/query.ts';

const WAIT_MS = 1_000;

/** `ask` as `queryThrough` makes it. */
export const queriedIncidents = (ask: (query: ClientQuery) => Promise<QueryAnswer>): IncidentStore => ({
  async get(incidentId, minPositions) {
    const partition = partitionOfIncident(incidentId);
    if (partition === undefined) return undefined;
    try {
      const { entries } = await ask({
        store: INCIDENTS_STORE,
        query: { kind: 'key', key: Buffer.from(incidentId) },
        partition,
        bounds: { minPositions, waitMs: WAIT_MS },
      });
      return (entries[0]?.value as IncidentState | undefined)?.incident;
    } catch (error) {
      // An id that somebody made up may name a partition that is not there.
      if (error instanceof QueryError && error.code === 'PARTITION_UNKNOWN') return undefined;
      throw error;
    }
  },
});
