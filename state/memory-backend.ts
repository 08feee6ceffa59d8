/**
 * The state backend in memory, for tests, the test driver and the simulator.
 *
 * Invariant: a task's state outlives the backend that was opened on it, and holds exactly the batches that were written: closing
 * and opening again is a restart, `crash` and opening again is a restart after a kill.
 */
import { StateLockedError } from '../streams/errors.ts';
import type {
  KeyRange,
  KeySpace,
  StateBackend,
  StateBackendFactory,
  StateBatch,
  TopicPartition,
} from '../streams/ports.ts';
import { topicPartitionKey } from '../streams/ports.ts';
import { SortedMap } from './sorted-map.ts';

interface TaskState {
  readonly spaces: Map<string, SortedMap<Uint8Array>>;
  readonly positions: Map<string, number>;
  openedBy: MemoryBackend | undefined;
}

type Change = (state: TaskState) => void;

export class MemoryBackendFactory implements StateBackendFactory {
  readonly #tasks = new Map<string, TaskState>();

  async open(taskId: string): Promise<StateBackend> {
    const state: TaskState = this.#tasks.get(taskId) ?? {
      spaces: new Map(),
      positions: new Map(),
      openedBy: undefined,
    };
    if (state.openedBy !== undefined) {
      throw new StateLockedError('STATE_LOCKED', `The state of task ${taskId} is open already; close it first.`);
    }
    this.#tasks.set(taskId, state);
    state.openedBy = new MemoryBackend(taskId, state);
    return state.openedBy;
  }

  async destroy(taskId: string): Promise<void> {
    if (this.#tasks.get(taskId)?.openedBy !== undefined) {
      throw new StateLockedError('STATE_LOCKED', `The state of task ${taskId} is open; close it before destroying it.`);
    }
    this.#tasks.delete(taskId);
  }

  async list(): Promise<readonly string[]> {
    return [...this.#tasks.keys()];
  }

  /** What a kill of the owning process does: the open backend is dead, the state stays as of its last write. */
  crash(taskId: string): void {
    this.#tasks.get(taskId)?.openedBy?.detach();
  }
}

class MemoryBackend implements StateBackend {
  readonly #taskId: string;
  readonly #state: TaskState;
  #open = true;

  constructor(taskId: string, state: TaskState) {
    this.#taskId = taskId;
    this.#state = state;
  }

  keySpace(name: string): KeySpace {
    const entries = this.#opened().spaces.get(name) ?? new SortedMap<Uint8Array>();
    this.#state.spaces.set(name, entries);
    return new MemoryKeySpace(name, () => this.#opened() && entries);
  }

  batch(): StateBatch {
    return new MemoryBatch();
  }

  write(batch: StateBatch): void {
    const state = this.#opened();
    if (!(batch instanceof MemoryBatch)) throw new TypeError('This batch belongs to another backend.');
    for (const change of batch.take()) change(state);
  }

  position(partition: TopicPartition): number | undefined {
    return this.#opened().positions.get(topicPartitionKey(partition));
  }

  wipe(): void {
    const { spaces, positions } = this.#opened();
    for (const entries of spaces.values()) entries.clear();
    positions.clear();
  }

  stats(): Readonly<Record<string, number>> {
    return {};
  }

  async close(): Promise<void> {
    this.detach();
  }

  detach(): void {
    if (this.#open) this.#state.openedBy = undefined;
    this.#open = false;
  }

  #opened(): TaskState {
    if (!this.#open) throw new Error(`The state of task ${this.#taskId} is closed.`);
    return this.#state;
  }
}

class MemoryKeySpace implements KeySpace {
  readonly name: string;
  readonly #entries: () => SortedMap<Uint8Array>;

  constructor(name: string, entries: () => SortedMap<Uint8Array>) {
    this.name = name;
    this.#entries = entries;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries().get(key);
  }

  getMany(keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    const entries = this.#entries();
    return keys.map((key) => entries.get(key));
  }

  range(bounds: KeyRange): IterableIterator<readonly [Uint8Array, Uint8Array]> {
    return this.#entries().range(bounds);
  }

  approximateEntries(): number {
    return this.#entries().size;
  }
}

class MemoryBatch implements StateBatch {
  #changes: Change[] | undefined = [];

  put({ name }: KeySpace, key: Uint8Array, value: Uint8Array): void {
    const ownKey = Buffer.from(key);
    const ownValue = Buffer.from(value);
    this.#add(({ spaces }) => spaces.get(name)?.set(ownKey, ownValue));
  }

  delete({ name }: KeySpace, key: Uint8Array): void {
    const ownKey = Buffer.from(key);
    this.#add(({ spaces }) => spaces.get(name)?.delete(ownKey));
  }

  deleteRange({ name }: KeySpace, from: Uint8Array, to: Uint8Array): void {
    const [ownFrom, ownTo] = [Buffer.from(from), Buffer.from(to)];
    this.#add(({ spaces }) => spaces.get(name)?.deleteRange(ownFrom, ownTo));
  }

  setPosition(partition: TopicPartition, offset: number): void {
    this.#add(({ positions }) => positions.set(topicPartitionKey(partition), offset));
  }

  /** The changes, once. */
  take(): readonly Change[] {
    const changes = this.#changes;
    if (changes === undefined) throw new Error('This batch was written already; make another.');
    this.#changes = undefined;
    return changes;
  }

  #add(change: Change): void {
    if (this.#changes === undefined) throw new Error('This batch was written already; make another.');
    this.#changes.push(change);
  }
}
