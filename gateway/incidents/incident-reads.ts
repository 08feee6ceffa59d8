/**
 * Reads of incidents: one from the store that decides on it, lists and the audit trail from the tables.
 *
 * Invariant: whoever has the answer to a command reads at least what the answer told: of one incident from the store itself, of
 * its events once the tables have come as far as the store.
 */
import { type Clock, recoveryOf } from '../../connectors/log.ts';
import type { Incident } from '../../schemas/incident.ts';
import { InvalidCursorError } from '../../sink/read-model-cursor.ts';
import type {
  IncidentFilters,
  IncidentPage,
  IncidentReadModel,
  StoredIncidentEvent,
} from '../../sink/read-model-incidents.ts';
import { unavailable } from '../http/api-error.ts';
import { invalid } from './validation.ts';

/** Next offsets by topic and partition. */
export type Positions = Readonly<Record<string, number>>;

/** The incidents as the topology keeps them. */
export interface IncidentStore {
  /**
   * `minPositions`: what the answer must have seen. Undefined when the topology does not keep it, or not any more. Rejects with an error of recovery `retry` while
   * it cannot be asked.
   */
  get(incidentId: string, minPositions: Positions): Promise<Incident | undefined>;
}

export interface IncidentReadOptions {
  readonly store: IncidentStore;
  readonly readModel: IncidentReadModel;
  /** What this gateway has seen the results of, where the incident is. */
  readonly seenOf: (incidentId: string) => Positions;
  readonly clock: Clock;
  /** Longest wait for the tables to come as far as the store, in milliseconds. */
  readonly catchUpMs: number;
}

const LOOK_AGAIN_MS = 25;

/** A fault that passes is a 503; one that does not is ours. */
const reading = async <T>(read: Promise<T>): Promise<T> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof InvalidCursorError) throw invalid([{ field: 'cursor', message: error.message }]);
    if (recoveryOf(error) !== 'retry') throw error;
    throw unavailable('INCIDENTS_UNAVAILABLE', 'Incidents cannot be read at the moment.', 2, { cause: error });
  }
};

export class IncidentReads {
  readonly #options: IncidentReadOptions;

  constructor(options: IncidentReadOptions) {
    this.#options = options;
  }

  /** What the store has forgotten is in the tables. */
  get(incidentId: string): Promise<Incident | undefined> {
    const { store, readModel, seenOf } = this.#options;
    const found = store.get(incidentId, seenOf(incidentId));
    return reading(found.then((incident) => incident ?? readModel.get(incidentId)));
  }

  list(filters: IncidentFilters, cursor: string | undefined, limit: number): Promise<IncidentPage> {
    return reading(this.#options.readModel.list(filters, cursor, limit));
  }

  latest(limit: number): Promise<readonly Incident[]> {
    return reading(this.#options.readModel.latest(limit));
  }

  /** Undefined when there is no such incident. */
  async events(incidentId: string): Promise<readonly StoredIncidentEvent[] | undefined> {
    const { readModel, clock, catchUpMs } = this.#options;
    const incident = await this.get(incidentId);
    if (incident === undefined) return undefined;
    const giveUpMs = clock.now() + catchUpMs;
    for (;;) {
      const events = await reading(readModel.events(incidentId));
      if ((events.at(-1)?.sequence ?? 0) >= incident.version || clock.now() >= giveUpMs) return events;
      await clock.sleep(LOOK_AGAIN_MS);
    }
  }
}
