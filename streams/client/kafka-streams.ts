/**
 * A stream application on this instance: its threads, its state, and everything that can be asked of it. What `KafkaStreams` is in
 * Kafka Streams.
 *
 * Invariants:
 * - A thread that fails is answered for once: another takes its place, or the client stops, or every instance does.
 * - After `close` has resolved, or the state is ERROR, no thread is left.
 */
import type { Clock, Logger } from '../ports.ts';
import type { QueryAnswer, TaskQuery } from '../queries/query.ts';
import { QueryError } from '../queries/query-error.ts';
import type { InstanceMetadata, StreamsMetadata } from '../queries/streams-metadata.ts';
import type { StoreLag } from '../queries/thread-queries.ts';
import { backoffMs } from '../retry.ts';
import type { StreamThreadState, ThreadMetadata, UncaughtExceptionResponse } from '../thread-options.ts';
import { ClientState, type KafkaStreamsState, type StateListener } from './client-state.ts';
import { QueryRouter, type ClientQuery, type KeyMetadata, type RemoteQuery } from './query-router.ts';
import { RestoreTeller, type StateRestoreListener } from './restore-listener.ts';
import type { HostedThread, ThreadFailure, ThreadHost } from './thread-host.ts';

export interface KafkaStreamsOptions {
  readonly applicationId: string;
  /** As in the configuration of the threads: the same for all of them, another for every process. */
  readonly processId: string;
  readonly threads: number;
  readonly host: ThreadHost;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asks other instances; left out: queries are answered from this one alone. */
  readonly remote?: RemoteQuery;
}

export type UncaughtExceptionHandler = (
  failure: ThreadFailure,
) => UncaughtExceptionResponse | Promise<UncaughtExceptionResponse>;

interface RunningThread {
  readonly index: number;
  readonly hosted: HostedThread;
  state: StreamThreadState;
  response: UncaughtExceptionResponse | undefined;
}

const REPLACEMENT_BACKOFF = { retryBackoffMs: 500, retryBackoffMaxMs: 30_000 };

export class KafkaStreams {
  readonly #options: KafkaStreamsOptions;
  readonly #state = new ClientState();
  readonly #threads = new Map<number, RunningThread>();
  readonly #router: QueryRouter;
  readonly #restores: RestoreTeller;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #onUncaughtException: UncaughtExceptionHandler = () => 'shutdown-client';
  #restoreListener: StateRestoreListener | undefined;
  #metadata: StreamsMetadata | undefined;
  #paused = false;
  /** Threads that were replaced one after the other, without one that ran in between. */
  #replacements = 0;

  constructor(options: KafkaStreamsOptions) {
    const { applicationId, processId, remote } = options;
    this.#options = options;
    this.#restores = new RestoreTeller(applicationId);
    const local = (query: TaskQuery): Promise<QueryAnswer> => this.#askThreads(query);
    this.#router = new QueryRouter({ processId, local, remote, metadata: () => this.#metadata });
  }

  get state(): KafkaStreamsState {
    return this.#state.current;
  }

  /** The states of the threads that were not removed. */
  get threadStates(): readonly StreamThreadState[] {
    return [...this.#threads.values()].map(({ state }) => state);
  }

  setStateListener(listener: StateListener | undefined): void {
    this.#state.listen(listener);
  }

  /** Default: `shutdown-client`. */
  setUncaughtExceptionHandler(handler: UncaughtExceptionHandler): void {
    this.#onUncaughtException = handler;
  }

  setGlobalStateRestoreListener(listener: StateRestoreListener | undefined): void {
    this.#restoreListener = listener;
  }

  /** Once. The state tells when it runs. */
  start(): void {
    if (!this.#state.enter('REBALANCING')) throw new Error(`A client that is ${this.state} cannot be started.`);
    for (let index = 0; index < this.#options.threads; index += 1) this.#launch(index);
  }

  /** Commits, closes and leaves the group. After `timeoutMs` what is left is ended as it is, which loses nothing; false then. */
  async close(timeoutMs = Infinity): Promise<boolean> {
    const wasStarted = this.state !== 'CREATED';
    if (this.#state.enter('PENDING_SHUTDOWN')) this.#stopThreads(wasStarted);
    const inTime = new AbortController();
    const ended = this.#ended.promise.then(() => true);
    const late = Number.isFinite(timeoutMs)
      ? this.#options.clock.sleep(timeoutMs, inTime.signal).then(() => false)
      : ended;
    const cleanly = await Promise.race([ended, late]);
    inTime.abort('over');
    if (cleanly) return true;
    this.#options.logger.warn('Stream threads did not stop in time and are ended', { timeoutMs });
    await Promise.all([...this.#threads.values()].map(({ hosted }) => hosted.terminate()));
    await this.#ended.promise;
    return false;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Lets all tasks stand still, or the named ones, on this instance; see `PausedTasks`. */
  pause(taskIds?: readonly string[]): void {
    if (taskIds === undefined) this.#paused = true;
    for (const { hosted } of this.#threads.values()) hosted.pause(taskIds);
  }

  resume(taskIds?: readonly string[]): void {
    if (taskIds === undefined) this.#paused = false;
    for (const { hosted } of this.#threads.values()) hosted.resume(taskIds);
  }

  /** Starts one more thread. Answers its index; undefined while the client does not run. */
  addStreamThread(): number | undefined {
    if (this.#state.ending || this.state === 'CREATED') return undefined;
    const index = Math.max(-1, ...this.#threads.keys()) + 1;
    this.#launch(index);
    return index;
  }

  /** Stops the thread that came last and resolves with its index when it has left; undefined where there is none. */
  async removeStreamThread(): Promise<number | undefined> {
    const thread = [...this.#threads.values()].at(-1);
    if (thread === undefined || this.#state.ending) return undefined;
    this.#threads.delete(thread.index);
    thread.hosted.stop();
    await thread.hosted.ended;
    this.#follow();
    return thread.index;
  }

  /** Rejects with `QueryError`. `passedOn`: another instance has sent the query here. */
  query(query: ClientQuery, passedOn = false): Promise<QueryAnswer> {
    return this.#router.query(query, passedOn);
  }

  /** Who has the entries of a key. Throws `QueryError`. */
  queryMetadataForKey(store: string, key: Uint8Array): KeyMetadata {
    return this.#router.locate({ store, query: { kind: 'key', key } });
  }

  /** All instances, as of the last rebalance; empty before the first. */
  metadataForAllStreamsClients(): readonly InstanceMetadata[] {
    return this.#metadata?.instances ?? [];
  }

  /** Stores, tasks and instances, as of the last rebalance. */
  get metadata(): StreamsMetadata | undefined {
    return this.#metadata;
  }

  async metadataForLocalThreads(): Promise<readonly ThreadMetadata[]> {
    return this.#fromThreads((hosted) => hosted.metadata());
  }

  /** Of every store on this instance, running or warm. */
  async allLocalStorePartitionLags(): Promise<readonly StoreLag[]> {
    return (await this.#fromThreads((hosted) => hosted.storeLags())).flat();
  }

  #launch(index: number): void {
    const hosted = this.#options.host(index, {
      onState: (state) => {
        thread.state = state;
        if (state === 'running') this.#replacements = 0;
        this.#follow();
      },
      onMetadata: (metadata) => this.#announced(metadata),
      onRestoreProgress: (taskId, progress) => {
        if (this.#restoreListener !== undefined) this.#restores.tell(this.#restoreListener, taskId, progress);
      },
      onUncaughtException: async (failure) => {
        thread.response = await this.#respondTo(failure);
        return thread.response;
      },
    });
    const thread: RunningThread = { index, hosted, state: 'created', response: undefined };
    this.#threads.set(index, thread);
    if (this.#paused) hosted.pause();
    void hosted.ended.then(() => this.#threadEnded(thread));
  }

  async #respondTo(failure: ThreadFailure): Promise<UncaughtExceptionResponse> {
    const { logger } = this.#options;
    logger.error(`A stream thread failed: ${failure.message}`, { failure });
    try {
      return await this.#onUncaughtException(failure);
    } catch (error) {
      logger.error('The handler of uncaught exceptions failed itself; the client stops', { err: error });
      return 'shutdown-client';
    }
  }

  #announced(metadata: StreamsMetadata): void {
    this.#metadata = metadata;
    if (metadata.shutdown) this.#failWith('An instance asked the whole application to stop');
  }

  #threadEnded(thread: RunningThread): void {
    thread.state = 'dead';
    if (this.#threads.get(thread.index) !== thread) return;
    if (thread.response === 'replace-thread' && !this.#state.ending) void this.#replace(thread);
    else this.#failWith('A stream thread ended');
    this.#follow();
  }

  async #replace({ index }: RunningThread): Promise<void> {
    this.#replacements += 1;
    await this.#options.clock.sleep(backoffMs(this.#replacements, REPLACEMENT_BACKOFF), this.#ending.signal);
    if (!this.#state.ending) this.#launch(index);
  }

  #failWith(reason: string): void {
    if (!this.#state.enter('PENDING_ERROR')) return;
    this.#options.logger.error(`The client stops: ${reason}`);
    this.#stopThreads(true);
  }

  #stopThreads(wasStarted: boolean): void {
    this.#ending.abort('stopping');
    for (const { hosted } of this.#threads.values()) hosted.stop();
    if (wasStarted) this.#follow();
    else this.#finish();
  }

  #follow(): void {
    this.#state.follow(this.threadStates);
    if (this.#state.ending && this.threadStates.every((state) => state === 'dead')) this.#finish();
  }

  #finish(): void {
    this.#state.enter(this.state === 'PENDING_ERROR' ? 'ERROR' : 'NOT_RUNNING');
    this.#ended.resolve();
  }

  /** The thread that has the task answers; which one that is, only they know. */
  async #askThreads(query: TaskQuery): Promise<QueryAnswer> {
    let refusal = new QueryError({ code: 'NOT_RUNNING', message: 'This instance has no stream thread that runs.' });
    for (const { hosted, state } of this.#threads.values()) {
      if (state === 'dead') continue;
      try {
        return await hosted.query(query);
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
        // One that has the task and refuses knows better than one that has not.
        if (error.code !== 'REBALANCING' && error.code !== 'NOT_RUNNING') throw error;
        refusal = error;
      }
    }
    throw refusal;
  }

  async #fromThreads<T>(ask: (hosted: HostedThread) => Promise<T>): Promise<readonly T[]> {
    const alive = [...this.#threads.values()].filter(({ state }) => state !== 'dead');
    const answers = await Promise.allSettled(alive.map(({ hosted }) => ask(hosted)));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }
}
