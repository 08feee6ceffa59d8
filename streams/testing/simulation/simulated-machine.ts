/**
 * A machine of the simulated cluster: one disk, one clock, and on it one process after another, looked after as a supervisor
 * would: what dies is started again after a while, sometimes on an empty disk.
 *
 * Invariant: at most one live process uses the machine's disk at a time. A thread that ends by itself with anything but a
 * passing fault of the log is a violation.
 */
import type { StreamsConfig } from '../../config.ts';
import { RetriableLogError } from '../../errors.ts';
import type { StateBackend, StateBackendFactory } from '../../ports.ts';
import type { BuiltTopology } from '../../topology.ts';
import { messageOf } from '../../record-queue.ts';
import type { InMemoryLog } from '../in-memory-log.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import type { ClockSkew } from './process-clock.ts';
import type { SeededRandom } from './random.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedFaults, Victim } from './simulated-faults.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { SimulationTrace } from './trace.ts';

export interface Cluster {
  readonly log: InMemoryLog;
  readonly clock: VirtualClock;
  readonly startMs: number;
  readonly topology: BuiltTopology;
  readonly trace: SimulationTrace;
  readonly faults: SimulatedFaults;
  readonly random: SeededRandom;
  readonly makeStateFactory: () => StateBackendFactory;
  /** Of the processes on the machine of that name. */
  readonly configOf: (machine: string) => StreamsConfig;
  /** Probability that a machine comes back with an empty disk. */
  readonly diskLossRate: number;
  readonly maxRestartMs: number;
  readonly onRelease: (machine: string, taskId: string, backend: StateBackend) => void;
  readonly onViolation: (message: string) => void;
}

/** As an orchestrator: a process that does not end within this time is killed. */
const STOP_LIMIT_MS = 20_000;

export class SimulatedMachine implements Victim {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #disk: SimulatedDisk;
  readonly #skew: ClockSkew;
  readonly #threads: number;
  #process: SimulatedProcess | undefined;
  #starts = 0;
  #starting = false;

  constructor(
    name: string,
    cluster: Cluster,
    { skew, threads }: { readonly skew: ClockSkew; readonly threads: number },
  ) {
    this.name = name;
    this.#cluster = cluster;
    this.#disk = new SimulatedDisk(cluster.makeStateFactory);
    this.#skew = skew;
    this.#threads = threads;
  }

  get process(): SimulatedProcess | undefined {
    return this.#process;
  }

  get disk(): SimulatedDisk {
    return this.#disk;
  }

  /** True while a process is here that has not ended, paused or not. */
  get occupied(): boolean {
    return this.#process?.state === 'running' || this.#process?.state === 'stopping';
  }

  async start(): Promise<void> {
    if (this.occupied || this.#starting) return;
    this.#starting = true;
    const { log, clock, startMs, topology, trace, makeStateFactory, configOf } = this.#cluster;
    this.#starts += 1;
    const clientId = `${this.name}.${this.#starts}`;
    trace.tell(`${this.name}: starts as ${clientId}`);
    this.#process = await SimulatedProcess.start({
      ...{ clientId, topology, log, clock, startMs, makeStateFactory },
      ...{ config: configOf(this.name), threads: this.#threads, skew: this.#skew, disk: this.#disk },
      diskEvents: {
        onWrite: (phase, taskId) => this.#cluster.faults.stateWrite(this, phase, taskId),
        onRelease: (taskId, backend) => this.#cluster.onRelease(this.name, taskId, backend),
        onWaste: (taskId) =>
          this.#cluster.onViolation(`${clientId} throws the state of task ${taskId} away, which is whole`),
      },
      onThreadEnd: (thread, error) => this.#onThreadEnd(thread, error),
    });
    this.#starting = false;
  }

  /** Asks the process to end; kills it when it does not in time. Resolves when it is gone. */
  async stop(): Promise<void> {
    const { clock, trace } = this.#cluster;
    const process = this.#process;
    if (process === undefined || !this.occupied) return;
    trace.tell(`${this.name}: stops`);
    process.resume();
    process.stop();
    const over = new AbortController();
    await Promise.race([process.ended, clock.sleep(STOP_LIMIT_MS, over.signal)]);
    over.abort('over');
    if (process.state === 'stopped' || process.state === 'dead') return;
    trace.tell(`${this.name}: did not stop in time and is killed`);
    process.kill();
  }

  /** The process dies; the supervisor starts another after a while. */
  kill(): void {
    if (!this.occupied) return;
    this.#process?.kill();
    this.restartLater();
  }

  pause(ms: number): void {
    const { clock, trace } = this.#cluster;
    const process = this.#process;
    if (process === undefined || process.paused) return;
    process.pause();
    void clock.sleep(ms).then(() => {
      if (!process.paused || process.state === 'dead') return;
      trace.tell(`${this.name}: goes on`);
      process.resume();
    });
  }

  resume(): void {
    this.#process?.resume();
  }

  damage(taskId: string): void {
    this.#disk.damage(taskId);
  }

  restartLater(): void {
    const { clock, random, trace, maxRestartMs, diskLossRate } = this.#cluster;
    const starts = this.#starts;
    const lost = random.chance(diskLossRate);
    void clock.sleep(random.between(50, maxRestartMs)).then(async () => {
      if (this.occupied || this.#starts !== starts) return;
      if (lost) {
        trace.tell(`${this.name}: its disk is lost`);
        this.#disk.lose();
      }
      await this.start();
    });
  }

  #onThreadEnd(thread: string, error: unknown): void {
    const { trace, onViolation } = this.#cluster;
    const process = this.#process;
    if (error === undefined) {
      trace.tell(`${this.name}: ${thread} ended`);
      if (process?.state !== 'stopping') onViolation(`${thread} ended by itself`);
      return;
    }
    trace.tell(`${this.name}: ${thread} ended with ${messageOf(error)}`);
    if (!(error instanceof RetriableLogError)) {
      onViolation(`${thread} ended with an error that no fault explains: ${String((error as Error).stack)}`);
      return;
    }
    process?.stop();
    void process?.ended.then(() => this.restartLater());
  }
}
