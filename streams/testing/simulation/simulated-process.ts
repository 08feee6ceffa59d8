/**
 * One simulated process, from its start to its end: the real stream threads, on its own clock, connection and disk.
 *
 * Invariant: a process that was killed has no effect any more, neither on the log nor on its disk; one that is paused has none
 * until it goes on.
 */
import type { StreamsConfig } from '../../config.ts';
import type { Clock, StateBackendFactory } from '../../ports.ts';
import { StreamThread } from '../../thread.ts';
import type { BuiltTopology } from '../../topology.ts';
import type { InMemoryClient } from '../in-memory-client.ts';
import type { InMemoryLog } from '../in-memory-log.ts';
import { silentLogger, silentMetrics } from '../silent.ts';
import { ProcessClock, type ClockSkew } from './process-clock.ts';
import type { DiskEvents, DiskMount, SimulatedDisk } from './simulated-disk.ts';

export interface SimulatedProcessOptions {
  /** Another one for every start. */
  readonly clientId: string;
  readonly topology: BuiltTopology;
  readonly config: StreamsConfig;
  readonly threads: number;
  readonly log: InMemoryLog;
  readonly clock: Clock;
  readonly startMs: number;
  readonly skew: ClockSkew;
  readonly disk: SimulatedDisk;
  readonly makeStateFactory: () => StateBackendFactory;
  readonly diskEvents: DiskEvents;
  /** A thread came to its end without being killed; `error` where it did so by itself. */
  readonly onThreadEnd: (threadName: string, error: unknown) => void;
}

export type ProcessState = 'running' | 'stopping' | 'stopped' | 'dead';

export class SimulatedProcess {
  readonly clientId: string;
  readonly #clock: ProcessClock;
  readonly #client: InMemoryClient;
  readonly #disk: DiskMount;
  readonly #threads: readonly StreamThread[];
  /** Resolves when all threads ended; never for a process that was killed. */
  readonly ended: Promise<void>;
  #state: ProcessState = 'running';
  #paused = false;

  private constructor(
    options: SimulatedProcessOptions,
    globals: readonly Awaited<ReturnType<StateBackendFactory['open']>>[],
  ) {
    const { clientId, topology, config, log, clock, startMs, skew, disk, diskEvents, onThreadEnd } = options;
    this.clientId = clientId;
    this.#clock = new ProcessClock(clock, skew, startMs);
    this.#client = log.client(clientId);
    this.#disk = disk.mount(diskEvents);
    this.#threads = globals.map(
      (globalBackend, index) =>
        new StreamThread({
          ...{ name: `${clientId}-${index + 1}`, topology, config, client: this.#client, stateFactory: this.#disk },
          ...{ globalBackend, clock: this.#clock, metrics: silentMetrics, logger: silentLogger },
        }),
    );
    const runs = this.#threads.map((thread, index) => {
      const end = (error?: unknown): void => {
        if (this.#state !== 'dead') onThreadEnd(`${clientId}-${index + 1}`, error);
      };
      return thread.run().then(() => end(), end);
    });
    this.ended = Promise.all(runs).then(() => {
      if (this.#state !== 'dead') this.#state = 'stopped';
    });
  }

  static async start(options: SimulatedProcessOptions): Promise<SimulatedProcess> {
    const globals = Array.from({ length: options.threads }, () => options.makeStateFactory().open('global'));
    return new SimulatedProcess(options, await Promise.all(globals));
  }

  get state(): ProcessState {
    return this.#state;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get threads(): readonly StreamThread[] {
    return this.#threads;
  }

  /** The tasks that it runs, without those it is still opening. */
  get runningTasks(): readonly string[] {
    return this.#threads.flatMap(({ tasks }) => tasks.flatMap(({ taskId, task }) => (task ? [taskId] : [])));
  }

  /** The states of running tasks and of warm copies. */
  get states(): DiskMount['states'] {
    return this.#disk.states;
  }

  kill(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#clock.kill();
    this.#client.crash();
    this.#disk.kill();
  }

  pause(): void {
    if (this.#state === 'dead' || this.#state === 'stopped') return;
    this.#paused = true;
    this.#clock.pause();
    this.#client.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#clock.resume();
    this.#client.resume();
  }

  /** Asks its threads to end; see `ended`. */
  stop(): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    for (const thread of this.#threads) thread.stop();
  }
}
