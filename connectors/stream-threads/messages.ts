/**
 * What the process and its stream threads say to each other. Data only: everything here survives a structured clone.
 */
import type { StreamThreadState } from '../../streams/thread.ts';

export type ToThread = { readonly type: 'stop' } | { readonly type: 'metrics'; readonly request: number };

export interface ThreadFailure {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

export type FromThread =
  | { readonly type: 'state'; readonly state: StreamThreadState }
  | { readonly type: 'metrics'; readonly request: number; readonly metrics: unknown }
  | { readonly type: 'failed'; readonly failure: ThreadFailure };

export const failureOf = (error: unknown): ThreadFailure => ({
  name: error instanceof Error ? error.name : 'Error',
  code: error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined,
  message: error instanceof Error ? error.message : String(error),
  stack: error instanceof Error ? error.stack : undefined,
});
