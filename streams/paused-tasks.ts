/**
 * Which tasks are told to stand still.
 *
 * Invariant: a paused task neither processes records nor fires timers; it keeps its place in the group, its state, and commits what
 * it had done before. A warm copy follows its changelogs all the same.
 */
export class PausedTasks {
  #all = false;
  readonly #taskIds = new Set<string>();

  /** All tasks, also those that come later; or the named ones. */
  pause(taskIds?: readonly string[]): void {
    if (taskIds === undefined) this.#all = true;
    for (const taskId of taskIds ?? []) this.#taskIds.add(taskId);
  }

  /** Without names every pause ends. Naming tasks while all are paused lets none of them go on. */
  resume(taskIds?: readonly string[]): void {
    if (taskIds === undefined) {
      this.#all = false;
      this.#taskIds.clear();
    }
    for (const taskId of taskIds ?? []) this.#taskIds.delete(taskId);
  }

  /** True while all tasks are. */
  get all(): boolean {
    return this.#all;
  }

  has(taskId: string): boolean {
    return this.#all || this.#taskIds.has(taskId);
  }
}
