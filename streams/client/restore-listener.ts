/**
 * Tells of restores as Kafka Streams does: begin, each batch, end.
 *
 * Invariant: an end follows its begin. A restore that is cut off begins again where it is taken up, here or elsewhere.
 */
import type { RestoreProgress } from '../restore.ts';
import type { TopicPartition } from '../ports.ts';

export interface RestoredStore {
  readonly store: string;
  readonly taskId: string;
  readonly changelog: TopicPartition;
}

/** Offsets are those of the changelog. */
export interface StateRestoreListener {
  onRestoreStart?(store: RestoredStore, startingOffset: number, endingOffset: number): void;
  /** `restored`: records of this batch. */
  onBatchRestored?(store: RestoredStore, batchEndOffset: number, restored: number): void;
  onRestoreEnd?(store: RestoredStore, totalRestored: number): void;
}

export class RestoreTeller {
  readonly #applicationId: string;
  /** Records so far of each restore under way, by changelog. */
  readonly #underWay = new Map<string, number>();

  constructor(applicationId: string) {
    this.#applicationId = applicationId;
  }

  tell(listener: StateRestoreListener, taskId: string, { changelog, position, end, records }: RestoreProgress): void {
    const store = changelog.topic.slice(this.#applicationId.length + 1, -'-changelog'.length);
    const restored = { store, taskId, changelog };
    const key = `${changelog.topic}-${changelog.partition}`;
    if (records === 0) listener.onRestoreStart?.(restored, position, end);
    else listener.onBatchRestored?.(restored, position, records - (this.#underWay.get(key) ?? 0));
    this.#underWay.set(key, records);
    if (position < end) return;
    this.#underWay.delete(key);
    listener.onRestoreEnd?.(restored, records);
  }
}
