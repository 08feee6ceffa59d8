/**
 * The warm copies that one thread keeps.
 *
 * Invariant: a copy is closed before the same task is opened to run, and at most one of a task is open at a time. A copy that
 * fails is opened again with growing pauses; it never troubles a running task.
 */
import { recoveryOf } from './errors.ts';
import { backoffMs } from './retry.ts';
import type { StandbyTask } from './standby-task.ts';
import { openStandby, type OpenState, type TaskEnvironment, type TaskPlace } from './task-opener.ts';
import { taskIdOf } from './task-assignor.ts';

interface StandbyEntry extends TaskPlace {
  readonly taskId: string;
  readonly closing: AbortController;
  standby: StandbyTask | undefined;
  opening: Promise<void>;
  failures: number;
}

export class StandbyManager {
  readonly #environment: TaskEnvironment;
  readonly #entries = new Map<string, StandbyEntry>();

  constructor(environment: TaskEnvironment) {
    this.#environment = environment;
  }

  /** How far each copy stands, by task id. */
  get positions(): ReadonlyMap<string, number> {
    return new Map([...this.#entries.values()].map(({ taskId, standby }) => [taskId, standby?.position ?? 0]));
  }

  /** How many there are, followed or still being opened. */
  get count(): number {
    return this.#entries.size;
  }

  get places(): readonly TaskPlace[] {
    return [...this.#entries.values()];
  }

  /** The state of a copy that is open; undefined where there is none. */
  openState(taskId: string): OpenState | undefined {
    const entry = this.#entries.get(taskId);
    const standby = entry?.standby;
    return entry && standby && { place: entry, backend: standby.backend, stores: standby.stores };
  }

  /** Closes the copies that are not among the places. */
  async revoke(places: readonly TaskPlace[]): Promise<void> {
    const wanted = new Set(places.map(idOf));
    await Promise.all(
      [...this.#entries.values()].filter(({ taskId }) => !wanted.has(taskId)).map((entry) => this.#close(entry)),
    );
  }

  /** Opens the copies that are missing. */
  open(places: readonly TaskPlace[]): void {
    for (const place of places) {
      const taskId = idOf(place);
      if (this.#entries.has(taskId)) continue;
      const closing = new AbortController();
      const entry: StandbyEntry = {
        ...place,
        taskId,
        closing,
        standby: undefined,
        opening: Promise.resolve(),
        failures: 0,
      };
      this.#entries.set(taskId, entry);
      entry.opening = this.#openUntilFollowing(entry);
    }
  }

  async closeAll(): Promise<void> {
    await this.revoke([]);
  }

  async #openUntilFollowing(entry: StandbyEntry): Promise<void> {
    const { clock, config, logger, stateFactory } = this.#environment;
    const { signal } = entry.closing;
    while (!signal.aborted) {
      if (entry.failures > 0) await clock.sleep(backoffMs(entry.failures, config), signal);
      if (signal.aborted) return;
      try {
        entry.standby = await openStandby(entry, this.#environment, (error) => this.#reopen(entry, error));
        entry.failures = 0;
        return;
      } catch (error) {
        entry.failures += 1;
        logger.warn(`The warm copy of task ${entry.taskId} could not be opened; trying again`, {
          taskId: entry.taskId,
          err: error,
        });
        if (recoveryOf(error) === 'rebuild-task') await stateFactory.destroy(entry.taskId);
      }
    }
  }

  #reopen(entry: StandbyEntry, error: unknown): void {
    const { logger } = this.#environment;
    logger.warn(`The warm copy of task ${entry.taskId} stopped following; opening it again`, {
      taskId: entry.taskId,
      err: error,
    });
    const { standby } = entry;
    entry.standby = undefined;
    entry.failures += 1;
    entry.opening = (standby?.close() ?? Promise.resolve()).then(() => this.#openUntilFollowing(entry));
  }

  async #close(entry: StandbyEntry): Promise<void> {
    entry.closing.abort();
    this.#entries.delete(entry.taskId);
    await entry.opening;
    await entry.standby?.close();
  }
}

const idOf = ({ subTopology, partition }: TaskPlace): string => taskIdOf(subTopology.id, partition);
