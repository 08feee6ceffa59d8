/**
 * The changelogs as they were written, for judging states.
 *
 * Invariant: committed records only, each once; what compaction takes away from the log stays here.
 */
import type { TopicPartition } from '../../ports.ts';
import { topicPartitionKey } from '../../ports.ts';
import { identityOf } from '../bytes.ts';
import type { InMemoryLog } from '../in-memory-log.ts';

/** Values by changelog key, both as Latin-1 text of their bytes. */
export type StoreContent = ReadonlyMap<string, string>;

interface Change {
  readonly offset: number;
  readonly key: string;
  /** Undefined: the key was deleted. */
  readonly value: string | undefined;
}

interface KeptChangelog {
  readonly changes: Change[];
  compactedUntil: number;
}

const NO_KEY = new Uint8Array();

export class ChangelogHistory {
  readonly #log: InMemoryLog;
  readonly #kept = new Map<string, KeptChangelog>();

  constructor(log: InMemoryLog) {
    this.#log = log;
  }

  /** Up to where the changelog was compacted: what was restored from below may lack what compaction removed. */
  compactedUntil(changelog: TopicPartition): number {
    return this.#kept.get(topicPartitionKey(changelog))?.compactedUntil ?? 0;
  }

  /** Call before the changelog is compacted. */
  keep(changelog: TopicPartition): void {
    const kept = this.#upToDate(changelog);
    kept.compactedUntil = (kept.changes.at(-1)?.offset ?? -1) + 1;
  }

  /** What a store holds that stands for this position. */
  contentAt(changelog: TopicPartition, position: number): StoreContent {
    const content = new Map<string, string>();
    for (const { offset, key, value } of this.#upToDate(changelog).changes) {
      if (offset >= position) break;
      if (value === undefined) content.delete(key);
      else content.set(key, value);
    }
    return content;
  }

  #upToDate(changelog: TopicPartition): KeptChangelog {
    const name = topicPartitionKey(changelog);
    const kept = this.#kept.get(name) ?? { changes: [], compactedUntil: 0 };
    this.#kept.set(name, kept);
    for (const { offset, key, value } of this.#log.records(changelog, (kept.changes.at(-1)?.offset ?? -1) + 1)) {
      const written = value === null ? undefined : identityOf(value);
      kept.changes.push({ offset, key: identityOf(key ?? NO_KEY), value: written });
    }
    return kept;
  }
}
