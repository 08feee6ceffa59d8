/**
 * The settings of a stream application, with their defaults.
 */
import { defaultErrorHandlers, type ErrorHandlers } from './error-handlers.ts';
import type { TimerMode } from './task.ts';

export interface StreamsConfig {
  /** Names the consumer group and prefixes internal topics and transactional ids. */
  readonly applicationId: string;
  /** The same for all threads of a process, another for every process. Empty: each thread counts as a process. */
  readonly processId: string;
  /** Where this process answers queries, such as `http://10.0.0.7:4001`; empty: it cannot be asked from outside. */
  readonly applicationServer: string;
  /** Warm copies of each task's state in other processes. */
  readonly standbyReplicas: number;
  /** Under load a task commits this often; a drained one commits at once. */
  readonly commitIntervalMs: number;
  /** A task commits ahead of the interval when this much waits to be sent. */
  readonly maxPendingBytes: number;
  /** A task commits ahead of the interval when its stores hold this many uncommitted entries. */
  readonly maxDirtyEntries: number;
  /** A partition is paused while more records than this wait in its queue, and resumed below half of it. */
  readonly maxBufferedRecords: number;
  /** Records and timers a task may take before the next task has its turn. */
  readonly maxRecordsPerTurn: number;
  readonly sessionTimeoutMs: number;
  /** `earliest`: start from the log's beginning where no offset is committed or the committed one was deleted. `none`: stop then. */
  readonly offsetReset: 'earliest' | 'none';
  readonly timerMode: TimerMode;
  readonly deadLetterTopic: string | undefined;
  readonly errorHandlers: ErrorHandlers;
  /** How long a task waits for its state to be released by a former owner on this machine before the thread stops. */
  readonly stateLockTimeoutMs: number;
  /** First pause before a task that failed is opened again; doubles up to `retryBackoffMaxMs`. */
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

export const defaultStreamsConfig: Omit<StreamsConfig, 'applicationId'> = {
  processId: '',
  applicationServer: '',
  standbyReplicas: 0,
  commitIntervalMs: 100,
  maxPendingBytes: 16 * 1024 * 1024,
  maxDirtyEntries: 100_000,
  maxBufferedRecords: 20_000,
  maxRecordsPerTurn: 2_000,
  sessionTimeoutMs: 10_000,
  offsetReset: 'earliest',
  timerMode: 'wall-clock',
  deadLetterTopic: undefined,
  errorHandlers: defaultErrorHandlers,
  stateLockTimeoutMs: 30_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 10_000,
};

export const streamsConfig = (
  options: Partial<StreamsConfig> & Pick<StreamsConfig, 'applicationId'>,
): StreamsConfig => ({ ...defaultStreamsConfig, ...options });
