/**
 * Takes an alert in: produces it to `raw-alerts` and waits for the first committed state of its life.
 *
 * Invariant [INV-GATEWAY-ACCEPTED]: a caller gets an outcome only once the alert is durable on the log (all replicas have it, or
 * its decision was read); in every other case it gets an error, whose details name the alert id to try again with.
 */
import {
  type Clock,
  type Gauge,
  type HeaderList,
  type Histogram,
  type Logger,
  type LogProducer,
  type Metrics,
  type Serializer,
  StreamsError,
} from '../../connectors/log.ts';
import type { RawAlert } from '../../schemas/raw-alert.ts';
import type { DecisionWaiters, Waiter } from '../decision/waiters.ts';
import { unavailable } from '../http/api-error.ts';

export const PENDING = 'PENDING';

export type IdentifiedAlert = RawAlert & { readonly alertId: string };

/** The status of a known alert; undefined when the alert is not there. Rejects when that cannot be told. */
export type StatusLookup = (alertId: string) => Promise<string | undefined>;

export interface AlertIntakeOptions {
  readonly producer: LogProducer;
  readonly topic: string;
  readonly alerts: Serializer<RawAlert>;
  readonly waiters: DecisionWaiters;
  readonly lookUpStatus: StatusLookup;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Longest wait for the log to take the alert, in milliseconds. */
  readonly produceTimeoutMs: number;
  /** Longest wait for the decision once the log has the alert, in milliseconds. */
  readonly decisionTimeoutMs: number;
}

const RETRY_AFTER_SECONDS = 2;
const LOOK_UP_TIMEOUT_MS = 1_000;

/** Refusals of the producer before it sent anything. After any other fault the outcome counts as unknown. */
const NEVER_SENT: ReadonlySet<string> = new Set(['PRODUCER_FULL', 'PRODUCER_CLOSED']);

interface Waiting {
  readonly mayBeKnown: boolean;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

type Produced = 'produced' | 'timeout' | { readonly decided: string } | { readonly failed: unknown };

export class AlertIntake {
  readonly #options: AlertIntakeOptions;
  readonly #waiting: Gauge;
  readonly #produceTime: Histogram;
  readonly #decisionTime: Histogram;

  constructor(options: AlertIntakeOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#waiting = metrics.gauge('gateway_requests_waiting');
    this.#produceTime = metrics.histogram('gateway_produce_duration_ms');
    this.#decisionTime = metrics.histogram('gateway_decision_duration_ms');
  }

  /**
   * Resolves with the alert's status after its decision, or with `PENDING` when the decision takes longer than the wait.
   * `mayBeKnown`: the id was used before or may have been, so the decision may lie in the past. `logger`: the request's.
   * `headers`: go with the record.
   * Rejects with an `ApiError` of status 503.
   */
  async submit(alert: IdentifiedAlert, mayBeKnown: boolean, logger: Logger, headers?: HeaderList): Promise<string> {
    const { waiters, clock } = this.#options;
    const waiter = waiters.register(alert.alertId, alert.driverId);
    if (waiter === undefined) {
      throw unavailable('TOO_MANY_WAITING', 'Too many alerts wait for their decision; nothing was sent.', 1);
    }
    this.#waiting.set(waiters.size);
    const startMs = clock.now();
    const done = new AbortController();
    try {
      const decided = await this.#produce(alert, waiter, done.signal, headers);
      const producedMs = clock.now();
      this.#produceTime.record(producedMs - startMs);
      if (decided !== undefined) return decided;
      const waiting = { mayBeKnown, logger, signal: done.signal };
      const status = await this.#awaitDecision(alert.alertId, waiter, waiting);
      this.#decisionTime.record(clock.now() - producedMs);
      return status;
    } finally {
      // A reason of its own spares each request an error object that nobody reads.
      done.abort('over');
      waiter.release();
      this.#waiting.set(waiters.size);
    }
  }

  /** Resolves once the alert is on the log; with the status when its decision is read before the log's own answer is. */
  async #produce(
    alert: IdentifiedAlert,
    waiter: Waiter,
    signal: AbortSignal,
    headers?: HeaderList,
  ): Promise<string | undefined> {
    const { clock, produceTimeoutMs } = this.#options;
    const outcome = await Promise.race<Produced>([
      this.#send(alert, headers),
      waiter.decided.then((decided) => ({ decided })),
      clock.sleep(produceTimeoutMs, signal).then(() => 'timeout' as const),
    ]);
    if (outcome === 'produced') return undefined;
    if (outcome !== 'timeout' && 'decided' in outcome) return outcome.decided;
    const cause = outcome === 'timeout' ? new Error(`no answer within ${produceTimeoutMs} ms`) : outcome.failed;
    if (cause instanceof StreamsError && NEVER_SENT.has(cause.code)) {
      throw unavailable('ALERT_NOT_TAKEN', 'The alert was not taken: too many wait to be sent.', 1, { cause });
    }
    throw unavailable(
      'ALERT_NOT_CONFIRMED',
      'Whether the alert was taken is not known. Send it again with this alertId, or with the same Idempotency-Key.',
      RETRY_AFTER_SECONDS,
      { details: { alertId: alert.alertId }, cause },
    );
  }

  /** Never rejects, since it may lose the race and nobody would look at the error. */
  async #send(alert: IdentifiedAlert, headers: HeaderList = []): Promise<Produced> {
    const { producer, topic, alerts } = this.#options;
    try {
      const value = alerts.serialize(topic, alert);
      // The serializer may reuse its buffer for the next alert while this one is being sent.
      const record = { topic, key: Buffer.from(alert.driverId), value: value && Uint8Array.from(value), headers };
      await producer.send([record]);
      return 'produced';
    } catch (error) {
      return { failed: error };
    }
  }

  async #awaitDecision(alertId: string, waiter: Waiter, { mayBeKnown, logger, signal }: Waiting): Promise<string> {
    const { clock, decisionTimeoutMs } = this.#options;
    const timeout = clock.sleep(decisionTimeoutMs, signal).then(() => undefined);
    const known = mayBeKnown ? await Promise.race([this.#lookUp(alertId, logger), waiter.decided, timeout]) : undefined;
    const decided = known ?? (await Promise.race([waiter.decided, timeout]));
    if (decided !== undefined) return decided;
    const lookUpTimeout = clock.sleep(LOOK_UP_TIMEOUT_MS, signal).then(() => undefined);
    return (await Promise.race([this.#lookUp(alertId, logger), waiter.decided, lookUpTimeout])) ?? PENDING;
  }

  /** A read model that is away only means that the decision is not known yet. */
  async #lookUp(alertId: string, logger: Logger): Promise<string | undefined> {
    try {
      return await this.#options.lookUpStatus(alertId);
    } catch (error) {
      logger.debug('the read model cannot be asked for an alert', { alertId, err: error });
      return undefined;
    }
  }
}
