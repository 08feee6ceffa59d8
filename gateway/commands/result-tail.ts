/**
 * Follows the results of commands from the moment this gateway starts and hands each to the request that waits for it.
 *
 * Invariant: it reads committed results only, so no request hears of one that a crash could take back. Never more than `capacity`
 * requests wait at once, and each leaves when it ends, however it ends.
 */
import type { Clock, Deserializer, FetchedBatch, LogAdmin, Logger, LogReader } from '../../connectors/log.ts';
import type { CommandResult } from '../../schemas/command-result.ts';

export interface ResultTailOptions {
  readonly reader: LogReader;
  readonly admin: LogAdmin;
  readonly topic: string;
  readonly results: Deserializer<CommandResult>;
  readonly capacity: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One request's place; `release` must be called. */
export interface ResultWaiter {
  /** Never rejects, and never resolves when no result comes. */
  readonly result: Promise<CommandResult>;
  release(): void;
}

const RESTART_PAUSE_MS = 500;

export class ResultTail {
  readonly #options: ResultTailOptions;
  readonly #places = new Map<string, (result: CommandResult) => void>();
  #partitions = 0;

  constructor(options: ResultTailOptions) {
    this.#options = options;
  }

  /** Partitions of the topic, and of the commands; 0 while it is not followed. */
  get partitions(): number {
    return this.#partitions;
  }

  /** Undefined when every place is taken. */
  register(commandId: string): ResultWaiter | undefined {
    if (this.#places.size >= this.#options.capacity) return undefined;
    const { promise, resolve } = Promise.withResolvers<CommandResult>();
    this.#places.set(commandId, resolve);
    return { result: promise, release: () => void this.#places.delete(commandId) };
  }

  /** Runs until the signal aborts; starts again at the end of the log after a fault. Does not reject. */
  async follow(signal: AbortSignal): Promise<void> {
    const { reader, clock, logger, topic } = this.#options;
    let failing = false;
    while (!signal.aborted) {
      try {
        const positions = await this.#ends();
        this.#partitions = positions.length;
        failing = false;
        await reader.follow(positions, (batch) => this.#take(batch), signal);
      } catch (error) {
        if (!failing)
          logger.warn('following the results of commands failed; trying until it works', { topic, err: error });
        failing = true;
      }
      this.#partitions = 0;
      await clock.sleep(RESTART_PAUSE_MS, signal);
    }
  }

  async #ends(): Promise<{ topic: string; partition: number; offset: number }[]> {
    const { reader, admin, topic } = this.#options;
    const count = (await admin.partitionCounts([topic])).get(topic) ?? 0;
    if (count === 0) throw new Error(`topic ${topic} does not exist; create the topics first`);
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
    return Promise.all(partitions.map(async (at) => ({ ...at, offset: (await reader.range(at)).end })));
  }

  async #take(batch: FetchedBatch): Promise<void> {
    const { results, logger } = this.#options;
    if (this.#places.size === 0) return;
    await results.prepare?.(batch.topic, batch.records);
    for (const { value, offset } of batch.records) {
      try {
        const result = results.deserialize(batch.topic, value);
        this.#places.get(result.commandId)?.(result);
      } catch (error) {
        const { topic, partition } = batch;
        logger.warn('the result of a command cannot be decoded', { topic, partition, offset, err: error });
      }
    }
  }
}
