/**
 * Follows the lifecycle events from the moment this gateway starts and tells the waiting requests what was decided.
 *
 * Invariant: it reads committed events only, so no request hears of a decision that a crash could take back. It holds no state
 * that must survive: what it misses, the requests find in the read model.
 */
import type {
  Clock,
  Counter,
  Deserializer,
  FetchedBatch,
  LogAdmin,
  Logger,
  LogReader,
  LogRecord,
  Metrics,
  TopicPartition,
} from '../../connectors/log.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { type AlertState, endOfLog, nextEvent, type ScanStep } from './first-state.ts';
import type { DecisionWaiters } from './waiters.ts';

export interface DecisionTailOptions {
  readonly reader: LogReader;
  readonly admin: LogAdmin;
  readonly topic: string;
  readonly events: Deserializer<LifecycleEvent>;
  readonly waiters: DecisionWaiters;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Pause before starting again after a fault, in milliseconds. */
  readonly restartPauseMs: number;
}

type Position = TopicPartition & { offset: number };

const text = new TextDecoder();

export class DecisionTail {
  readonly #options: DecisionTailOptions;
  readonly #positions = new Map<number, Position>();
  readonly #held = new Map<number, AlertState>();
  readonly #unreadableEvents: Counter;

  constructor(options: DecisionTailOptions) {
    this.#options = options;
    this.#unreadableEvents = options.metrics.counter('gateway_events_unreadable_total');
  }

  /** Runs until the signal aborts; starts again at the end of the log after a fault. Does not reject. */
  async run(signal: AbortSignal): Promise<void> {
    const { reader, clock, logger, restartPauseMs } = this.#options;
    let failing = false;
    while (!signal.aborted) {
      try {
        await this.#startAtEnd();
        failing = false;
        await reader.follow([...this.#positions.values()], (batch) => this.#take(batch), signal);
      } catch (error) {
        // One line for an outage, not one for each attempt during it.
        if (!failing) logger.warn('following the lifecycle events failed; trying until it works', { err: error });
        failing = true;
      }
      this.#positions.clear();
      this.#held.clear();
      await clock.sleep(restartPauseMs, signal);
    }
  }

  /**
   * How many offsets of the committed log were not read yet. Asks the log, so it rejects when that is out of reach;
   * undefined while the tail is not following.
   */
  async lag(): Promise<number | undefined> {
    const positions = [...this.#positions.values()];
    if (positions.length === 0) return undefined;
    const behind = await Promise.all(
      positions.map(async (position) => {
        const { end } = await this.#options.reader.range(position);
        return Math.max(0, end - (this.#positions.get(position.partition)?.offset ?? end));
      }),
    );
    return behind.reduce((sum, offsets) => sum + offsets, 0);
  }

  async #startAtEnd(): Promise<void> {
    const { reader, admin, topic } = this.#options;
    const count = (await admin.partitionCounts([topic])).get(topic) ?? 0;
    if (count === 0) throw new Error(`topic ${topic} does not exist; create the topics first`);
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
    const ranges = await Promise.all(partitions.map((partition) => reader.range(partition)));
    partitions.forEach(({ partition }, index) => {
      this.#positions.set(partition, { topic, partition, offset: ranges[index]?.end ?? 0 });
    });
  }

  async #take(batch: FetchedBatch): Promise<void> {
    const { partition } = batch;
    const states = await this.#awaitedStates(batch);
    for (const state of states) this.#apply(partition, nextEvent(this.#held.get(partition), state));
    if (batch.nextOffset >= batch.endOffset) this.#apply(partition, endOfLog(this.#held.get(partition)));
    this.#positions.set(partition, { topic: batch.topic, partition, offset: batch.nextOffset });
  }

  #apply(partition: number, { held, settled }: ScanStep): void {
    if (held === undefined) this.#held.delete(partition);
    else this.#held.set(partition, held);
    if (settled !== undefined) this.#options.waiters.settle(settled);
  }

  /** One entry per record; undefined where nobody waits for its driver, so that only what is asked for is decoded. */
  async #awaitedStates(batch: FetchedBatch): Promise<readonly (AlertState | undefined)[]> {
    const { waiters, events } = this.#options;
    if (waiters.size === 0) return batch.records.length === 0 ? [] : [undefined];
    const awaited = batch.records.filter(({ key }) => key !== null && waiters.awaitsDriver(text.decode(key)));
    try {
      await events.prepare?.(batch.topic, awaited);
    } catch (error) {
      this.#unreadable(batch, awaited.length, error);
      return [undefined];
    }
    const wanted = new Set(awaited);
    return batch.records.map((record) => (wanted.has(record) ? this.#decode(batch, record) : undefined));
  }

  #decode(batch: FetchedBatch, { value }: LogRecord): AlertState | undefined {
    try {
      const { alertId, newStatus } = this.#options.events.deserialize(batch.topic, value);
      return { alertId, status: newStatus };
    } catch (error) {
      this.#unreadable(batch, 1, error);
      return undefined;
    }
  }

  /** Following goes on: the requests concerned get their answer from the read model. */
  #unreadable({ topic, partition }: FetchedBatch, records: number, error: unknown): void {
    this.#unreadableEvents.add(records);
    this.#options.logger.warn('lifecycle events cannot be decoded', { topic, partition, records, err: error });
  }
}
