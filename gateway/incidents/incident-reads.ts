/**
 * Reads of incidents: one from the store that decides on it, lists and the audit trail from the tables.
 *
 * Invariant: whoever has the answer to a command from this gateway reads here at least what the answer told: of one incident from
 * the store itself, of its events and in lists once the tables have come as far, unless they take too long.
 */
import { type Clock, type Logger, recoveryOf } from '../../connectors/log.ts';
import { partitionOfIncident } from '../../schemas/incident-id.ts';
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
  readonly logger: Logger;
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
  #storeIsAway = false;
  /** The last incident that was answered, by partition: the tables follow each partition in order. */
  readonly #answered = new Map<number, Pick<Incident, 'id' | 'version'>>();

  constructor(options: IncidentReadOptions) {
    this.#options = options;
  }

  /** An answer was given; lists show it from now on. */
  answered({ id, version }: Incident): void {
    const partition = partitionOfIncident(id);
    if (partition !== undefined) this.#answered.set(partition, { id, version });
  }

  /** What the store has forgotten is in the tables, and they answer while it cannot be asked. */
  async get(incidentId: string): Promise<Incident | undefined> {
    const { readModel } = this.#options;
    const kept = await this.#keptInStore(incidentId);
    if (kept !== undefined) return kept;
    await reading(this.#catchUp());
    return reading(readModel.get(incidentId));
  }

  async list(filters: IncidentFilters, cursor: string | undefined, limit: number): Promise<IncidentPage> {
    await reading(this.#catchUp());
    return reading(this.#options.readModel.list(filters, cursor, limit));
  }

  async latest(limit: number): Promise<readonly Incident[]> {
    await reading(this.#catchUp());
    return reading(this.#options.readModel.latest(limit));
  }

  /** Undefined when there is no such incident. */
  async events(incidentId: string): Promise<readonly StoredIncidentEvent[] | undefined> {
    const { readModel, clock, catchUpMs } = this.#options;
    const incident = await this.get(incidentId);
    if (incident === undefined) return undefined;
    await reading(this.#until(incident, clock.now() + catchUpMs));
    return reading(readModel.events(incidentId));
  }

  /** Undefined also while the store cannot be asked. */
  async #keptInStore(incidentId: string): Promise<Incident | undefined> {
    const { store, seenOf, logger } = this.#options;
    try {
      const kept = await store.get(incidentId, seenOf(incidentId));
      this.#storeIsAway = false;
      return kept;
    } catch (error) {
      if (recoveryOf(error) !== 'retry') throw error;
      // One line for an outage, not one for each request during it.
      if (!this.#storeIsAway)
        logger.warn('incidents are read from the tables: their store cannot be asked', { err: error });
      this.#storeIsAway = true;
      return undefined;
    }
  }

  async #catchUp(): Promise<void> {
    const { clock, catchUpMs } = this.#options;
    const giveUpMs = clock.now() + catchUpMs;
    for (const [partition, incident] of this.#answered) {
      await this.#until(incident, giveUpMs);
      if (this.#answered.get(partition) === incident) this.#answered.delete(partition);
    }
  }

  /** Waits until the tables have that version, or the time is over. */
  async #until({ id, version }: Pick<Incident, 'id' | 'version'>, giveUpMs: number): Promise<void> {
    const { readModel, clock } = this.#options;
    while (((await readModel.get(id))?.version ?? 0) < version && clock.now() < giveUpMs) {
      await clock.sleep(LOOK_AGAIN_MS);
    }
  }
}
