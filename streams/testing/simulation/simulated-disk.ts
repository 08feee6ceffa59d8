/**
 * The local disk of a simulated process: outlives its crashes, and may be lost or damaged.
 *
 * Invariant: one process uses it at a time, through a mount. When that process dies, its open states are released as they
 * were after their last write, and nothing it still tries has any effect.
 */
import { StateCorruptedError } from '../../errors.ts';
import type { KeySpace, StateBackend, StateBackendFactory, StateBatch, TopicPartition } from '../../ports.ts';

export interface DiskEvents {
  /** Right before and after a batch is written. Throws when the process dies there. */
  readonly onWrite: (phase: 'before' | 'after', taskId: string) => void;
  /** A task's state is about to be closed, by its owner or by its owner's death. */
  readonly onRelease: (taskId: string, backend: StateBackend) => void;
  /** A state that was whole is thrown away. */
  readonly onWaste: (taskId: string) => void;
}

/** Thrown into a process that is dead already, where it cannot simply stop. */
export class ProcessDiedError extends Error {
  override readonly name = 'ProcessDiedError';
}

const never = new Promise<never>(() => undefined);

export class SimulatedDisk {
  readonly #makeFactory: () => StateBackendFactory;
  readonly #damaged = new Set<string>();
  #factory: StateBackendFactory;

  constructor(makeFactory: () => StateBackendFactory) {
    this.#makeFactory = makeFactory;
    this.#factory = makeFactory();
  }

  get factory(): StateBackendFactory {
    return this.#factory;
  }

  mount(events: DiskEvents): DiskMount {
    return new DiskMount(this.#factory, this.#damaged, events);
  }

  /** Replaces the disk by an empty one. Only while no process uses it. */
  lose(): void {
    this.#factory = this.#makeFactory();
    this.#damaged.clear();
  }

  /** Makes a task's state unreadable until it is destroyed. */
  damage(taskId: string): void {
    this.#damaged.add(taskId);
  }
}

/** The disk as one process sees it. */
export class DiskMount implements StateBackendFactory {
  readonly #factory: StateBackendFactory;
  readonly #damaged: Set<string>;
  readonly #events: DiskEvents;
  readonly #open = new Map<string, StateBackend>();
  #alive = true;

  constructor(factory: StateBackendFactory, damaged: Set<string>, events: DiskEvents) {
    this.#factory = factory;
    this.#damaged = damaged;
    this.#events = events;
  }

  async open(taskId: string): Promise<StateBackend> {
    if (!this.#alive) return never;
    this.#requireWhole(taskId);
    const backend = await this.#factory.open(taskId);
    if (!this.#alive) {
      await backend.close();
      return never;
    }
    this.#open.set(taskId, backend);
    return new MountedBackend(taskId, backend, this);
  }

  async destroy(taskId: string): Promise<void> {
    if (!this.#alive) return never;
    const damaged = this.#damaged.delete(taskId);
    if (!damaged && (await this.#factory.list()).includes(taskId)) this.#events.onWaste(taskId);
    await this.#factory.destroy(taskId);
  }

  /** The states that are open, by task. */
  get states(): ReadonlyMap<string, StateBackend> {
    return this.#open;
  }

  list(): Promise<readonly string[]> {
    return this.#alive ? this.#factory.list() : never;
  }

  /** What a kill of the process does. */
  kill(): void {
    this.#alive = false;
    for (const [taskId, backend] of this.#open) this.#release(taskId, backend);
  }

  write(taskId: string, backend: StateBackend, batch: StateBatch): void {
    this.#requireAlive();
    this.#events.onWrite('before', taskId);
    this.#requireAlive();
    backend.write(batch);
    this.#events.onWrite('after', taskId);
  }

  wipe(taskId: string, backend: StateBackend): void {
    this.#requireAlive();
    this.#requireWhole(taskId);
    this.#events.onWaste(taskId);
    backend.wipe();
  }

  async close(taskId: string, backend: StateBackend): Promise<void> {
    if (this.#open.get(taskId) === backend) this.#release(taskId, backend);
  }

  #release(taskId: string, backend: StateBackend): void {
    this.#open.delete(taskId);
    this.#events.onRelease(taskId, backend);
    // Closing is done when the call returns, as far as the next one to open it is concerned; there is nothing to wait for.
    void backend.close();
  }

  #requireWhole(taskId: string): void {
    if (!this.#damaged.has(taskId)) return;
    throw new StateCorruptedError('STATE_DAMAGED', `The state of task ${taskId} cannot be read; destroy it.`);
  }

  #requireAlive(): void {
    if (!this.#alive) throw new ProcessDiedError('This process is dead; it cannot write any more.');
  }
}

class MountedBackend implements StateBackend {
  readonly #taskId: string;
  readonly #backend: StateBackend;
  readonly #mount: DiskMount;

  constructor(taskId: string, backend: StateBackend, mount: DiskMount) {
    this.#taskId = taskId;
    this.#backend = backend;
    this.#mount = mount;
  }

  keySpace(name: string): KeySpace {
    return this.#backend.keySpace(name);
  }

  batch(): StateBatch {
    return this.#backend.batch();
  }

  write(batch: StateBatch): void {
    this.#mount.write(this.#taskId, this.#backend, batch);
  }

  position(partition: TopicPartition): number | undefined {
    return this.#backend.position(partition);
  }

  wipe(): void {
    this.#mount.wipe(this.#taskId, this.#backend);
  }

  stats(): Readonly<Record<string, number>> {
    return this.#backend.stats();
  }

  close(): Promise<void> {
    return this.#mount.close(this.#taskId, this.#backend);
  }
}
