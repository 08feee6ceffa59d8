/**
 * The commit of one task, as one ordered list.
 *
 * Invariant: RocksDB only ever holds what a committed transaction carries. A crash before step 3 leaves the state as the last
 * commit left it; a crash between 3 and 4 leaves it one transaction behind, which the restore of the changelog's tail heals.
 */
import type { InputPosition, StateBackend, TopicPartition, WrittenPositions } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import type { RecordCollector } from './record-collector.ts';
import type { StateStore } from './state-store.ts';

export interface LoggedStore {
  readonly store: StateStore;
  /** The partition of the changelog topic, or undefined for a store that is not logged. */
  readonly changelog: TopicPartition | undefined;
}

export interface CommitInput {
  readonly stores: readonly LoggedStore[];
  readonly collector: RecordCollector;
  readonly backend: StateBackend;
  readonly inputPositions: readonly InputPosition[];
}

export async function commitTask(input: CommitInput): Promise<void> {
  flushToChangelogs(input);
  const written = await input.collector.commit(input.inputPositions);
  applyToState(input, written);
}

/** Step 1: each dirty key becomes a changelog record. */
function flushToChangelogs({ stores, collector }: CommitInput): void {
  for (const { store, changelog } of stores) {
    if (changelog !== undefined && store.dirtyEntries > 0) store.flush(collector.changelog(changelog.topic));
  }
}

/** Step 4, after 2 (send) and 3 (commit): the data and the positions it stands for, in one batch. */
function applyToState(input: CommitInput, written: WrittenPositions): void {
  const { stores, backend, inputPositions } = input;
  const batch = backend.batch();
  for (const { store, changelog } of stores) {
    store.stage(batch);
    const position = changelog && written.get(topicPartitionKey(changelog));
    if (changelog !== undefined && position !== undefined) batch.setPosition(changelog, position);
  }
  for (const position of inputPositions) batch.setPosition(position, position.offset);
  backend.write(batch);
}
