/**
 * Brings a task's stores up to the end of their changelogs.
 *
 * Invariant: state and changelog position move together in one batch, so restore can be cut off anywhere and goes on from
 * there. Only what the local state lacks is read: after a crash that is the tail, on an empty disk it is everything.
 */
import type { LoggedStore } from './commit.ts';
import { StateCorruptedError } from './errors.ts';
import type { FetchedBatch, LogReader, Logger, StateBackend, TopicPartition } from './ports.ts';

export interface RestoreProgress {
  readonly changelog: TopicPartition;
  readonly position: number;
  readonly end: number;
  readonly records: number;
  readonly bytes: number;
}

export interface RestoreOptions {
  readonly stores: readonly LoggedStore[];
  readonly backend: StateBackend;
  readonly reader: LogReader;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

export interface RestoreResult {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Restores all logged stores, one after the other. Throws `StateCorruptedError` when the local state cannot belong to its
 * changelog any more (recovery: rebuild the task).
 */
export async function restoreStores(options: RestoreOptions): Promise<RestoreResult> {
  let records = 0;
  let bytes = 0;
  for (const logged of options.stores) {
    if (logged.changelog === undefined) continue;
    const restored = await restoreStore(logged, logged.changelog, options);
    records += restored.records;
    bytes += restored.bytes;
  }
  return { records, bytes };
}

async function restoreStore(
  logged: LoggedStore,
  changelog: TopicPartition,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const { backend, reader, signal, onProgress } = options;
  const { beginning, end } = await reader.range(changelog);
  const from = startPosition(backend.position(changelog), beginning, end, changelog);
  let records = 0;
  let bytes = 0;
  const onBatch = (fetched: FetchedBatch): void => {
    applyChangelog(logged, fetched, backend);
    records += fetched.records.length;
    for (const { key, value } of fetched.records) bytes += (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
    onProgress?.({ changelog, position: fetched.nextOffset, end, records, bytes });
  };
  onProgress?.({ changelog, position: from, end, records, bytes });
  if (from < end) await reader.read(changelog, from, end, onBatch, signal);
  return { records, bytes };
}

/** Applies committed changelog records and the position after them, in one batch. */
export function applyChangelog({ store, changelog }: LoggedStore, fetched: FetchedBatch, backend: StateBackend): void {
  const batch = backend.batch();
  if (fetched.records.length > 0) store.restore(fetched.records, batch);
  if (changelog !== undefined) batch.setPosition(changelog, fetched.nextOffset);
  backend.write(batch);
}

/** Where to go on reading. Throws `StateCorruptedError` when the local state cannot belong to its changelog any more. */
export function startPosition(
  position: number | undefined,
  beginning: number,
  end: number,
  changelog: TopicPartition,
): number {
  if (position === undefined) return beginning;
  const name = `${changelog.topic}-${changelog.partition}`;
  if (position > end) {
    throw new StateCorruptedError(
      'STATE_AHEAD_OF_CHANGELOG',
      `The local state stands for offset ${position} of ${name}, which ends at ${end}: the topic was made anew or cut. It is rebuilt.`,
    );
  }
  if (position < beginning) {
    throw new StateCorruptedError(
      'STATE_BEHIND_CHANGELOG',
      `The local state stands for offset ${position} of ${name}, which begins at ${beginning}: too old to catch up. It is rebuilt.`,
    );
  }
  return position;
}
