/**
 * A group member's id in a file.
 *
 * Invariant: nothing depends on it but the speed of a restart: a file that cannot be read or written is a member that nobody knows.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger, MemberMemory } from '../../streams/ports.ts';

const MAX_ID_LENGTH = 1_000;

/** One file for each member that runs at a time. */
export const memberFile = (path: string, logger: Logger): MemberMemory => ({
  recall: () => {
    try {
      const memberId = readFileSync(path, 'utf8').trim();
      return memberId === '' || memberId.length > MAX_ID_LENGTH ? undefined : memberId;
    } catch (error) {
      if (!isMissing(error)) logger.warn('The former group membership cannot be read', { path, err: error });
      return undefined;
    }
  },
  remember: (memberId) => {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, memberId);
    } catch (error) {
      logger.warn('The group membership cannot be kept; after a crash the group will wait for its session to end', {
        path,
        err: error,
      });
    }
  },
});

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
