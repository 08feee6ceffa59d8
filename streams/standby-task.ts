/**
 * A warm copy of a task's state: follows its changelogs, so that taking the task over means reading a short tail.
 *
 * Invariant: it only ever applies committed changelog records, in order, each batch with its position; it neither processes nor
 * writes to the log.
 */
import type { LoggedStore } from './commit.ts';
import { RetriableLogError } from './errors.ts';
import type { FetchedBatch, LogReader, Logger, StateBackend, TopicPartition } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import { applyChangelog, startPosition } from './restore.ts';

export interface StandbyTaskOptions {
  readonly taskId: string;
  readonly stores: readonly LoggedStore[];
  readonly backend: StateBackend;
  readonly reader: LogReader;
  readonly logger: Logger;
}

export class StandbyTask {
  readonly taskId: string;
  readonly #options: StandbyTaskOptions;
  readonly #closing = new AbortController();
  #following: Promise<void> = Promise.resolve();

  constructor(options: StandbyTaskOptions) {
    this.taskId = options.taskId;
    this.#options = options;
  }

  get backend(): StateBackend {
    return this.#options.backend;
  }

  get stores(): readonly LoggedStore[] {
    return this.#options.stores;
  }

  /** Sum of the changelog positions that the state stands for. */
  get position(): number {
    const { stores, backend } = this.#options;
    return stores.reduce((sum, { changelog }) => sum + ((changelog && backend.position(changelog)) ?? 0), 0);
  }

  /** Begins to follow. `onFailed` is told once when following ends by itself. Rejects like a restore where the state is of no use. */
  async start(onFailed: (error: unknown) => void): Promise<void> {
    const { stores, backend, reader } = this.#options;
    const byChangelog = new Map<string, LoggedStore>();
    const positions = [];
    for (const logged of stores) {
      if (logged.changelog === undefined) continue;
      const { beginning, end } = await reader.range(logged.changelog);
      const position = backend.position(logged.changelog);
      requireReadable(position, end, logged.changelog);
      const offset = startPosition(position, beginning, end, logged.changelog);
      byChangelog.set(topicPartitionKey(logged.changelog), logged);
      positions.push({ ...logged.changelog, offset });
    }
    const onBatch = (fetched: FetchedBatch): void => {
      const logged = byChangelog.get(topicPartitionKey(fetched));
      if (logged !== undefined && !this.#closing.signal.aborted) applyChangelog(logged, fetched, backend);
    };
    this.#following = reader.follow(positions, onBatch, this.#closing.signal).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) onFailed(error);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    for (const { store } of this.#options.stores) store.close();
    await this.#options.backend.close();
  }
}

/**
 * Right after this process ran the task itself, its last transaction may not be readable yet: the broker writes the marker after
 * it has answered the commit. Nobody waited for that here, as the initialisation of a producer does, so it says nothing about
 * the state. Throws `RetriableLogError`.
 */
function requireReadable(position: number | undefined, end: number, { topic, partition }: TopicPartition): void {
  if (position === undefined || position <= end) return;
  throw new RetriableLogError(
    'CHANGELOG_NOT_READABLE_YET',
    `The local state stands for offset ${position} of ${topic}-${partition}, which can be read up to ${end} for now. Trying again.`,
  );
}
