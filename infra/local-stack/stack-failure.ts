/**
 * The one error of the local stack. Invariant: its message is a sentence for the person at the terminal, saying what
 * happened and what to do, so that it can be printed without a stack trace.
 */
export class StackFailure extends Error {
  override readonly name = 'StackFailure';
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE`, `ESRCH` ...), if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
