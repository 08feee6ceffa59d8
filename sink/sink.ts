/**
 * The sink's loop: join the group, position every partition by the tables, poll, write, again.
 *
 * Invariant: there is one recovery for every passing fault (an outage, an unknown outcome of a commit, another sink on the
 * partition): drop what is in memory, read the positions from the tables, seek. So nothing is applied twice or left out.
 */
import type { FetchedBatch, Measurement, TopicPartition } from '../connectors/log.ts';
import { OffsetOutOfRangeError, recoveryOf, topicPartitionKey } from '../connectors/log.ts';
import { CIRCUIT_OPEN } from './breaker.ts';
import { lagMeasurements } from './lag.ts';
import { PartitionWriter } from './partition-writer.ts';
import type { SinkOptions, SinkPorts, SinkTables } from './ports.ts';
import { startPosition } from './start-position.ts';

export interface SinkStatus {
  /** False until the partitions are positioned, and from the first failure to the next success. */
  readonly ready: boolean;
  readonly reason: string;
}

const POLL_TIMEOUT_MS = 1_000;
/** Between tries while a fault lasts; the breaker spaces what reaches the database. */
const RETRY_INTERVAL_MS = 100;
const NO_USER_DATA = new Uint8Array(0);

/** Waiting and positioning again helps; a position that the log deleted meanwhile is dealt with there too. */
const passes = (error: unknown): boolean => recoveryOf(error) === 'retry' || error instanceof OffsetOutOfRangeError;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** All have ended when this resolves or rejects, with a fatal reason before a passing one. */
const settleAll = async (work: readonly Promise<void>[]): Promise<void> => {
  const failures = (await Promise.allSettled(work)).filter((result) => result.status === 'rejected');
  const worst = failures.find(({ reason }) => !passes(reason)) ?? failures[0];
  if (worst !== undefined) throw worst.reason;
};

const byPartition = (batches: readonly FetchedBatch[]): ReadonlyMap<string, FetchedBatch[]> =>
  Map.groupBy(batches, topicPartitionKey);

export class Sink<T> {
  readonly #ports: SinkPorts<T>;
  readonly #options: SinkOptions;
  readonly #tables: SinkTables<T>;
  readonly #stopping = new AbortController();
  #assignment: readonly TopicPartition[] | undefined;
  /** Of the assigned partitions, once they are positioned. */
  #writers: ReadonlyMap<string, PartitionWriter<T>> | undefined;
  /** The writers of the assigned partitions, also those that a fault has finished. */
  #measured: readonly PartitionWriter<T>[] = [];
  #status: SinkStatus = { ready: false, reason: 'starting' };
  #running: Promise<void> | undefined;

  constructor(ports: SinkPorts<T>, options: SinkOptions, tables: SinkTables<T>) {
    this.#ports = ports;
    this.#options = options;
    this.#tables = tables;
  }

  get status(): SinkStatus {
    return this.#status;
  }

  measurements(): readonly Measurement[] {
    const labels = { group: this.#options.applicationId };
    return [{ name: 'sink_ready', labels, value: this.#status.ready ? 1 : 0 }];
  }

  /** How far the tables are behind, for each partition of this sink, also while it waits a fault out. Rejects as the log does. */
  async measureLag(): Promise<readonly Measurement[]> {
    const { reader, clock } = this.#ports;
    const lags = this.#measured.map(async ({ progress }) => {
      return lagMeasurements(progress, await reader.range(progress.at), clock.now());
    });
    return (await Promise.all(lags)).flat();
  }

  /** Runs until `stop`, then resolves. Rejects with the first error that retrying does not help; closes the consumer either way. */
  run(): Promise<void> {
    this.#running ??= this.#loop();
    return this.#running;
  }

  /** Lets the batch in hand end, then leaves the group. Resolves when all has ended, however; how is for `run` to say. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#ports.consumer.wakeup();
    await Promise.allSettled([this.#running]);
  }

  async #loop(): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) await this.#step();
      this.#status = { ready: false, reason: 'stopped' };
    } catch (error) {
      this.#status = { ready: false, reason: messageOf(error) };
      throw error;
    } finally {
      await this.#ports.consumer.close();
    }
  }

  async #step(): Promise<void> {
    try {
      this.#assignment ??= await this.#join();
      this.#writers ??= await this.#position(this.#assignment);
      const polled = await this.#ports.consumer.poll(POLL_TIMEOUT_MS);
      if (polled.kind === 'rebalance') this.#forgetAssignment(polled.reason);
      else await this.#write(polled.batches, this.#writers);
    } catch (error) {
      if (!passes(error)) throw error;
      await this.#waitOut(error);
    }
  }

  async #join(): Promise<readonly TopicPartition[]> {
    const assignment = await this.#ports.consumer.rejoin(NO_USER_DATA);
    this.#ports.logger.info('partitions assigned', { partitions: assignment.map(topicPartitionKey) });
    return assignment;
  }

  async #position(assignment: readonly TopicPartition[]): Promise<ReadonlyMap<string, PartitionWriter<T>>> {
    const { consumer } = this.#ports;
    const writers = new Map<string, PartitionWriter<T>>();
    for (const at of assignment) {
      const offset = await startPosition(this.#ports, at, this.#options.positionName);
      writers.set(topicPartitionKey(at), new PartitionWriter(at, offset, this.#ports, this.#options, this.#tables));
      consumer.seek(at, offset);
    }
    consumer.resume(assignment);
    this.#measured = [...writers.values()];
    this.#status = { ready: true, reason: `writing ${assignment.length} partitions` };
    return writers;
  }

  async #write(batches: readonly FetchedBatch[], writers: ReadonlyMap<string, PartitionWriter<T>>): Promise<void> {
    const work = [...byPartition(batches)].map(([key, ofPartition]) => writers.get(key)?.write(ofPartition));
    await settleAll(work.filter((writing) => writing !== undefined));
  }

  #forgetAssignment(reason: string): void {
    this.#ports.logger.info('joining the group again', { reason });
    this.#assignment = undefined;
    this.#writers = undefined;
    this.#measured = [];
    this.#status = { ready: false, reason: 'joining the group' };
  }

  /** Serves the group while the fault lasts, with every partition paused. */
  async #waitOut(error: unknown): Promise<void> {
    const { consumer, clock, logger, metrics } = this.#ports;
    const code = error !== null && typeof error === 'object' && 'code' in error ? String(error.code) : 'UNKNOWN';
    metrics.counter('sink_retries_total', { code }).add(1);
    this.#writers = undefined;
    // An open circuit only says that something failed before; mostly that was told already.
    const known = code === CIRCUIT_OPEN && !this.#status.ready;
    if (!known) {
      this.#status = { ready: false, reason: messageOf(error) };
      logger.warn('the sink waits and tries again', { code, reason: messageOf(error) });
    }
    if (this.#assignment === undefined) {
      await clock.sleep(RETRY_INTERVAL_MS, this.#stopping.signal);
      return;
    }
    consumer.pause(this.#assignment);
    const polled = await consumer.poll(RETRY_INTERVAL_MS);
    if (polled.kind === 'rebalance') this.#forgetAssignment(polled.reason);
  }
}
