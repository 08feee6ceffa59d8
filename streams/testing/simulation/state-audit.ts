/**
 * What local state must be: the changelogs up to the position that it names, no more and no less.
 *
 * Invariant: this is judged without any code of the engine that applies changelogs, and at the end, when every transaction
 * that a state may stand for can be read.
 */
import type { KeySpace, StateBackend, TopicPartition } from '../../ports.ts';
import { identityOf } from '../bytes.ts';
import type { InMemoryLog } from '../in-memory-log.ts';
import { ChangelogHistory, type StoreContent } from './changelog-history.ts';
import type { ApplicationLayout, LaidOutStore } from './layout.ts';

/** The changelog's form of a key in the key space; undefined for what is not data. */
export type ChangelogKey = (store: string, key: Uint8Array) => Uint8Array | undefined;

interface StoreSnapshot {
  readonly store: LaidOutStore;
  readonly position: number | undefined;
  readonly compactedUntil: number;
  readonly content: StoreContent;
}

interface StateSnapshot {
  /** Which state, where and when, for the message. */
  readonly what: string;
  readonly stores: readonly StoreSnapshot[];
}

export class StateAudit {
  readonly #layout: ApplicationLayout;
  readonly #changelogKey: ChangelogKey;
  readonly #history: ChangelogHistory;
  readonly #snapshots: StateSnapshot[] = [];

  constructor(log: InMemoryLog, layout: ApplicationLayout, changelogKey: ChangelogKey) {
    this.#layout = layout;
    this.#changelogKey = changelogKey;
    this.#history = new ChangelogHistory(log);
  }

  /** Remembers what the state of a task holds now. `what` says which state that is. */
  remember(what: string, taskId: string, backend: StateBackend): void {
    this.#snapshots.push(this.#snapshot(what, taskId, backend));
  }

  /** Call before the changelogs are compacted. */
  beforeCompaction(): void {
    for (const changelog of this.#layout.changelogs) this.#history.keep(changelog);
  }

  /** What a changelog says in the end. */
  content(changelog: TopicPartition): StoreContent {
    return this.#history.contentAt(changelog, Number.POSITIVE_INFINITY);
  }

  /** What is wrong with the states that were remembered, in a sentence; undefined when nothing is. */
  flaw(): string | undefined {
    for (const { what, stores } of this.#snapshots) {
      for (const { store, position, compactedUntil, content } of stores) {
        if (position !== undefined && position < compactedUntil) continue;
        const difference = differenceOf(content, this.#history.contentAt(store.changelog, position ?? 0));
        const stands = position === undefined ? 'names no position' : `stands for offset ${position} of its changelog`;
        if (difference !== undefined) return `${what}: the store "${store.name}" ${stands}, but ${difference}`;
      }
    }
    return undefined;
  }

  /** What a state lacks that should hold all that its changelogs say, in a sentence; undefined when it does. */
  flawAtEnd(what: string, taskId: string, backend: StateBackend): string | undefined {
    for (const { store, content } of this.#snapshot(what, taskId, backend).stores) {
      const difference = differenceOf(content, this.content(store.changelog));
      if (difference !== undefined) return `${what}: the store "${store.name}" ${difference}`;
    }
    return undefined;
  }

  #snapshot(what: string, taskId: string, backend: StateBackend): StateSnapshot {
    const stores = this.#layout.storesOf(taskId).map((store) => ({
      store,
      position: backend.position(store.changelog),
      compactedUntil: this.#history.compactedUntil(store.changelog),
      content: contentOf(backend.keySpace(store.name), this.#changelogKey),
    }));
    return { what, stores };
  }
}

function contentOf(space: KeySpace, changelogKey: ChangelogKey): StoreContent {
  const content = new Map<string, string>();
  for (const [key, value] of space.range({})) {
    const logged = changelogKey(space.name, key);
    if (logged !== undefined) content.set(identityOf(logged), identityOf(value));
  }
  return content;
}

function differenceOf(actual: StoreContent, expected: StoreContent): string | undefined {
  for (const [key, value] of expected) {
    const found = actual.get(key);
    if (found !== value) return `has ${printable(key)} = ${printable(found)} instead of ${printable(value)}`;
  }
  for (const [key, value] of actual) {
    if (!expected.has(key)) return `has ${printable(key)} = ${printable(value)}, which is not there`;
  }
  return undefined;
}

const printable = (text: string | undefined): string => (text === undefined ? 'nothing' : JSON.stringify(text));
