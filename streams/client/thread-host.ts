/**
 * How a client runs its stream threads, wherever they are: in this thread of the process or in workers.
 *
 * Invariant: what goes to and fro is plain data, and every question has an answer or a rejection, also after the thread has ended.
 */
import type { QueryAnswer, TaskQuery } from '../queries/query.ts';
import type { StreamsMetadata } from '../queries/streams-metadata.ts';
import type { StoreLag } from '../queries/thread-queries.ts';
import type { RestoreProgress } from '../restore.ts';
import type { StreamThreadState, ThreadMetadata, UncaughtExceptionResponse } from '../thread-options.ts';

/** An error as data. */
export interface ThreadFailure {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

export const failureOf = (error: unknown): ThreadFailure => ({
  name: error instanceof Error ? error.name : 'Error',
  code: error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined,
  message: error instanceof Error ? error.message : String(error),
  stack: error instanceof Error ? error.stack : undefined,
});

/** What a thread tells while it runs. */
export interface ThreadEvents {
  readonly onState: (state: StreamThreadState) => void;
  readonly onMetadata: (metadata: StreamsMetadata) => void;
  readonly onRestoreProgress: (taskId: string, progress: RestoreProgress) => void;
  /** Before it ends with an error. */
  readonly onUncaughtException: (failure: ThreadFailure) => Promise<UncaughtExceptionResponse>;
}

export interface HostedThread {
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): void;
  /** Ends it as it is, which loses nothing; for one that does not stop. */
  terminate(): Promise<void>;
  pause(taskIds?: readonly string[]): void;
  resume(taskIds?: readonly string[]): void;
  /** Rejects with `QueryError`; so do the next two. */
  query(request: TaskQuery): Promise<QueryAnswer>;
  storeLags(): Promise<readonly StoreLag[]>;
  metadata(): Promise<ThreadMetadata>;
}

/** Starts the thread of that index. An index is used again for a thread that takes another's place. */
export type ThreadHost = (threadIndex: number, events: ThreadEvents) => HostedThread;
