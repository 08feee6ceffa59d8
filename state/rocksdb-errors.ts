/**
 * What RocksDB's errors mean for recovery.
 *
 * Invariant: only a damaged or incomplete database is called corrupted, since the recovery from that deletes it. Whatever might
 * be the disk's or the configuration's fault stops instead.
 */
import { StateCorruptedError, StateIoError, StateLockedError, type StreamsError } from '../streams/errors.ts';

const MISSING_FILE = /No such file or directory/;

/** `failed` says what could not be done, as in "open" or "read". */
export function rocksDbError(cause: unknown, failed: string, directory: string): StreamsError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code === 'LEVEL_LOCKED') {
    return new StateLockedError(
      'STATE_LOCKED',
      `The state directory ${directory} is in use, by another process or by another open of this one. Stop that one, or give each its own state directory.`,
      { cause },
    );
  }
  if (code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && MISSING_FILE.test(reason))) {
    return new StateCorruptedError(
      'STATE_CORRUPTED',
      `Cannot ${failed} the state in ${directory}, it is damaged: ${reason}. It must be destroyed and restored from its changelogs.`,
      { cause },
    );
  }
  return new StateIoError(
    'STATE_IO',
    `Cannot ${failed} the state in ${directory}: ${reason}. See to the disk's space, permissions and health, then start again; the state itself is kept.`,
    { cause },
  );
}
