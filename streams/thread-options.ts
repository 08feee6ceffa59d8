/**
 * What a stream thread is given, and what it shows of itself.
 *
 * Invariant: everything that a thread needs of the world is in its options.
 */
import type { StreamsConfig } from './config.ts';
import type { Clock, LogClient, Logger, MemberMemory, Metrics, StateBackend, StateBackendFactory } from './ports.ts';
import type { StreamsMetadata } from './queries/streams-metadata.ts';
import type { RestoreProgress } from './restore.ts';
import type { BuiltTopology } from './topology.ts';

/** As Kafka Streams names them, in lower case. */
export type StreamThreadState =
  'created' | 'starting' | 'partitions-revoked' | 'partitions-assigned' | 'running' | 'pending-shutdown' | 'dead';

export interface StreamThreadOptions {
  readonly name: string;
  readonly topology: BuiltTopology;
  readonly config: StreamsConfig;
  readonly client: LogClient;
  readonly stateFactory: StateBackendFactory;
  /** Holds the global stores of this thread. */
  readonly globalBackend: StateBackend;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Lets a thread that starts after a crash come back without waiting for its former session to end. */
  readonly memberMemory?: MemberMemory;
  readonly onStateChange?: (state: StreamThreadState) => void;
  /** Who runs what, as of the rebalance that has just ended. */
  readonly onMetadata?: (metadata: StreamsMetadata) => void;
  /**
   * Is asked what to do about an error that only stopping answers, before the thread ends. It ends with any answer; told to shut
   * the application down, it first tells the other instances. Default: `shutdown-client`.
   */
  readonly onUncaughtException?: (error: unknown) => Promise<UncaughtExceptionResponse>;
  readonly onRestoreProgress?: (taskId: string, progress: RestoreProgress) => void;
}

/** As Kafka Streams names them, in lower case. The first two are the affair of whoever runs the thread. */
export type UncaughtExceptionResponse = 'replace-thread' | 'shutdown-client' | 'shutdown-application';

/** What a thread has, for those who look at it. */
export interface ThreadMetadata {
  readonly name: string;
  readonly state: StreamThreadState;
  readonly activeTasks: readonly TaskMetadata[];
  readonly standbyTasks: readonly string[];
}

export interface TaskMetadata {
  readonly taskId: string;
  readonly status: 'running' | 'restoring' | 'paused';
  /** Of each input: the position to process next and the end as last seen, by `topicPartitionKey`. Empty while it restores. */
  readonly inputs: Readonly<Record<string, number>>;
}
