/**
 * What the process and its stream threads say to each other. Data only: everything here survives a structured clone.
 */
import type { QueryFailure } from '../../streams/queries/query-error.ts';
import type { TaskQuery } from '../../streams/queries/query.ts';
import type { StreamsMetadata } from '../../streams/queries/streams-metadata.ts';
import type { RestoreProgress } from '../../streams/restore.ts';
import type { ThreadFailure } from '../../streams/client/thread-host.ts';
import type { StreamThreadState, UncaughtExceptionResponse } from '../../streams/thread-options.ts';

export type Question =
  | { readonly kind: 'metrics' }
  | { readonly kind: 'metadata' }
  | { readonly kind: 'store-lags' }
  | { readonly kind: 'query'; readonly query: TaskQuery };

export type ToThread =
  | { readonly type: 'stop' }
  | { readonly type: 'pause' | 'resume'; readonly taskIds: readonly string[] | undefined }
  | { readonly type: 'response'; readonly response: UncaughtExceptionResponse }
  | { readonly type: 'ask'; readonly request: number; readonly question: Question };

export type FromThread =
  | { readonly type: 'state'; readonly state: StreamThreadState }
  | { readonly type: 'metadata'; readonly metadata: StreamsMetadata }
  | { readonly type: 'restore'; readonly taskId: string; readonly progress: RestoreProgress }
  | { readonly type: 'answer'; readonly request: number; readonly answer: unknown }
  | { readonly type: 'refusal'; readonly request: number; readonly failure: QueryFailure }
  | { readonly type: 'failed'; readonly failure: ThreadFailure };
