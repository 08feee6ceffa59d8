/**
 * What the processor knows of a driver's alerts at this moment.
 *
 * Invariants:
 * - An answer says where it comes from and whether it has seen everything that this gateway sent about the driver before it was asked.
 * - When the processor is away, the read model answers and the answer says so; it is never taken for the processor's.
 */
import type { Clock, Logger } from '../../connectors/log.ts';
import { QueryError, type ClientQuery, type QueryAnswer } from '../../connectors/queries/queries.ts';
import type { StoredAlert } from '../../sink/read-model.ts';
import type { Place, ProducedPlaces } from './produced-places.ts';

/** `processor`: the running task. `standby`: a warm copy of its state. `read-model`: the database, behind the sink. */
export type AnswerSource = 'processor' | 'standby' | 'read-model';

export interface Sourced<T> {
  readonly value: T;
  readonly source: AnswerSource;
  /** True when the answer has seen all that this gateway sent about the driver. */
  readonly fresh: boolean;
}

/** An alert as the processor keeps it; times are UTC epoch milliseconds. */
export interface LiveAlert {
  readonly alertId: string;
  readonly driverId: string;
  readonly sourceType: string;
  readonly severity: string;
  readonly status: string;
  readonly sequence: number;
  readonly createdAtMs: number;
}

export interface DriverAlertsOptions {
  /** The store of alerts by id, which counts open ones by driver. */
  readonly store: string;
  readonly ask: (query: ClientQuery) => Promise<QueryAnswer>;
  readonly places: Pick<ProducedPlaces, 'lastPlace'>;
  readonly countOpen: (driverId: string) => Promise<number>;
  readonly getAlert: (alertId: string) => Promise<StoredAlert | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long the processor may take to reach what was sent, and to see it in its state. */
const WAIT_MS = 500;
const PLACE_WAIT_MS = 200;
/** How old a warm copy may be that answers in place of the running task. */
const MAX_STALENESS_MS = 5_000;

export class DriverAlerts {
  readonly #options: DriverAlertsOptions;
  #away = false;

  constructor(options: DriverAlertsOptions) {
    this.#options = options;
  }

  /** Rejects with `DatabaseUnavailableError` when neither can be asked. */
  async openCount(driverId: string): Promise<Sourced<number>> {
    const { countOpen } = this.#options;
    const answer = await this.#ask(driverId, { kind: 'count', group: driverId });
    if (answer === undefined) return { value: await countOpen(driverId), source: 'read-model', fresh: false };
    return { ...answer, value: answer.value.entries[0]?.value as number };
  }

  /** Undefined for an unknown alert, one of another driver, and one that was purged. Rejects like `openCount`. */
  async alert(driverId: string, alertId: string): Promise<Sourced<LiveAlert | undefined>> {
    const answer = await this.#ask(driverId, { kind: 'key', key: Buffer.from(alertId) });
    if (answer === undefined) {
      const stored = await this.#options.getAlert(alertId);
      return { value: stored?.driverId === driverId ? stored : undefined, source: 'read-model', fresh: false };
    }
    return { ...answer, value: liveAlert(alertId, driverId, answer.value.entries[0]?.value) };
  }

  /** The freshest answer that the processors give; undefined when they give none. */
  async #ask(driverId: string, query: ClientQuery['query']): Promise<Sourced<QueryAnswer> | undefined> {
    const { store, ask } = this.#options;
    const asked = { store, query, partitionKey: Buffer.from(driverId) };
    const place = await this.#placeOf(driverId);
    const minPositions = place && { [`${place.topic}-${place.partition}`]: place.nextOffset };
    const attempts: { readonly bounds: ClientQuery['bounds']; readonly fresh: boolean }[] = [
      { bounds: minPositions && { minPositions, waitMs: WAIT_MS }, fresh: true },
      { bounds: { stale: true, maxStalenessMs: MAX_STALENESS_MS }, fresh: false },
    ];
    for (const { bounds, fresh } of attempts) {
      try {
        const value = await ask({ ...asked, ...(bounds && { bounds }) });
        this.#note(undefined);
        return { value, source: value.source === 'active' ? 'processor' : 'standby', fresh };
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
        this.#note(error);
      }
    }
    return undefined;
  }

  /** Waits a moment for records that are being sent. */
  async #placeOf(driverId: string): Promise<Place | undefined> {
    const { places, clock } = this.#options;
    const late = new AbortController();
    const timeout = clock.sleep(PLACE_WAIT_MS, late.signal).then(() => undefined);
    try {
      return await Promise.race([places.lastPlace(driverId), timeout]);
    } finally {
      late.abort('over');
    }
  }

  /** One line for an outage, not one for each request during it. */
  #note(error: QueryError | undefined): void {
    const { logger } = this.#options;
    if (error !== undefined && !this.#away) logger.warn('the processor gives no answer about alerts', { err: error });
    this.#away = error !== undefined;
  }
}

/** What is kept of an alert after its purge is no alert any more. */
function liveAlert(alertId: string, driverId: string, value: unknown): LiveAlert | undefined {
  const state = value as (LiveAlert & { readonly kind: string; readonly timestampMs: number }) | undefined;
  if (state === undefined || state.kind !== 'living' || state.driverId !== driverId) return undefined;
  const { sourceType, severity, status, sequence, timestampMs } = state;
  return { alertId, driverId, sourceType, severity, status, sequence, createdAtMs: timestampMs };
}
