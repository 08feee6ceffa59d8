/**
 * A simulated run of a stream application: many processes on one in-memory log, and everything that can happen to them, out
 * of one seed and in virtual time. The threads, tasks, commits, restores and assignments are the real ones.
 *
 * Invariants:
 * - The same seed takes the same steps, so a failure is replayed by its seed.
 * - Disruptions end at some time. From then on the application must come to rest by itself: every task runs somewhere, every
 *   input is committed to its end, every warm copy stands at its changelog's end.
 * - Whenever a state is released, by its owner or by its owner's death, it is what its changelogs say up to its position.
 */
import { changelogTopic } from '../../internal-topics.ts';
import type { LogReader, ProducedRecord, StateBackendFactory, TopicSpec } from '../../ports.ts';
import type { Topology } from '../../topology.ts';
import { InMemoryLog } from '../in-memory-log.ts';
import { VirtualClock } from '../virtual-clock.ts';
import type { StoreContent } from './changelog-history.ts';
import { ApplicationLayout } from './layout.ts';
import { SeededRandom } from './random.ts';
import { drawSetting, type Disruption, type SimulationSetting } from './setting.ts';
import { SimulatedFaults } from './simulated-faults.ts';
import { SimulatedMachine, type Cluster } from './simulated-machine.ts';
import { StateAudit, type ChangelogKey } from './state-audit.ts';
import { SimulationTrace } from './trace.ts';

export interface SimulatedApplication {
  readonly applicationId: string;
  readonly deadLetterTopic: string;
  /** `prepare`: what a deserializer has to wait for before it reads a batch; undefined for nothing. */
  readonly topology: (prepare: () => Promise<void> | undefined) => Topology;
  /** An empty disk. */
  readonly makeStateFactory: () => StateBackendFactory;
  readonly changelogKey: ChangelogKey;
  /** The topics of the application, for so many partitions. */
  readonly topics: (partitions: number) => readonly TopicSpec[];
  /** What is on the log before the application starts. */
  readonly backlog: (random: SeededRandom, nowMs: number, partitions: number) => readonly ProducedRecord[];
  /** What its producers write next. */
  readonly wave: (random: SeededRandom, nowMs: number, partitions: number) => readonly ProducedRecord[];
  /** How long after the last record something may still fall due, in milliseconds. */
  readonly quietMs: number;
}

/** The end of a run, for an auditor of the application. */
export interface SimulationOutcome {
  readonly partitions: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly log: InMemoryLog;
  readonly trace: SimulationTrace;
  /** What the stores of a task hold by their changelogs; every state on a disk was found to agree with it. */
  readonly content: (store: string, partition: number) => StoreContent;
}

export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
}

const START_MS = 1_000_000_000;
const MAX_WAVE_PAUSE_MS = 2_000;
/** How long the application may take to come to rest. */
const REST_LIMIT_MS = 120_000;

export class Simulation {
  readonly trace: SimulationTrace;
  readonly #application: SimulatedApplication;
  readonly #setting: SimulationSetting;
  readonly #layout: ApplicationLayout;
  readonly #inputRandom: SeededRandom;
  readonly #clock = new VirtualClock(START_MS);
  readonly #log: InMemoryLog;
  readonly #reader: LogReader;
  readonly #faults: SimulatedFaults;
  readonly #cluster: Cluster;
  readonly #machines: readonly SimulatedMachine[];
  readonly #states: StateAudit;
  readonly #inBackground = new Set<Promise<void>>();
  #violation: string | undefined;

  constructor(seed: number, application: SimulatedApplication) {
    const { applicationId, deadLetterTopic, changelogKey, makeStateFactory } = application;
    const random = new SeededRandom(seed, 1);
    this.#application = application;
    this.#setting = drawSetting(applicationId, deadLetterTopic, new SeededRandom(seed, 2));
    this.#inputRandom = new SeededRandom(seed, 3);
    this.trace = new SimulationTrace(() => this.#clock.now() - START_MS);
    const victimOf = (clientId: string): SimulatedMachine | undefined =>
      this.#machines.find(({ process }) => process?.clientId === clientId);
    this.#faults = new SimulatedFaults({ random, trace: this.trace, victimOf });
    const { partitions, rebalanceTimeoutMs, transactionTimeoutMs, fetchMaxRecords, config } = this.#setting;
    const limits = { rebalanceTimeoutMs, transactionTimeoutMs, fetchMaxRecords };
    this.#log = new InMemoryLog({ clock: this.#clock, faults: this.#faults, ...limits });
    this.#reader = this.#log.client('auditor').reader();
    const topology = application.topology(() => this.#prepare()).build(applicationId);
    this.#layout = new ApplicationLayout(applicationId, topology, partitions);
    this.#states = new StateAudit(this.#log, this.#layout, changelogKey);
    const { diskLossRate, maxRestartMs } = this.#setting;
    this.#cluster = {
      ...{ log: this.#log, clock: this.#clock, startMs: START_MS, topology, trace: this.trace, faults: this.#faults },
      ...{ random, makeStateFactory, diskLossRate, maxRestartMs },
      configOf: (processId) => ({ ...config, processId }),
      onRelease: (machine, taskId, backend) => {
        const what = `State of task ${taskId} on ${machine} when it was released at ${this.#clock.now() - START_MS} ms`;
        this.#states.remember(what, taskId, backend);
      },
      onViolation: (message) => (this.#violation ??= message),
    };
    this.#machines = this.#setting.machines.map((each) => new SimulatedMachine(each.name, this.#cluster, each));
  }

  /** Rejects with a `SimulationFailure` when an invariant does not hold. */
  async run(): Promise<SimulationOutcome> {
    const { partitions, machines, durationMs, weather } = this.#setting;
    this.trace.tell(`${partitions} partitions; ${JSON.stringify(this.#setting.config)}`);
    this.#log.createTopics(this.#application.topics(partitions));
    await this.#send(this.#application.backlog(this.#inputRandom, START_MS, partitions));
    this.#faults.change(weather);
    for (const [index, { startsAtOnce }] of machines.entries()) if (startsAtOnce) await this.#machines[index]?.start();
    await this.#disrupt();
    await this.#advanceTo(START_MS + durationMs);
    await this.#heal();
    await this.#comeToRest();
    await this.#stopAll();
    await this.#restoreFromNothing();
    this.#require(this.#violation ?? this.#states.flaw());
    const { applicationId } = this.#application;
    const content = (store: string, partition: number): StoreContent =>
      this.#states.content({ topic: changelogTopic(applicationId, store), partition });
    return { partitions, startMs: START_MS, endMs: this.#clock.now(), log: this.#log, trace: this.trace, content };
  }

  #prepare(): Promise<void> | undefined {
    const preparing = this.#faults.preparing();
    if (preparing === undefined) return undefined;
    const { ms, error } = preparing;
    return this.#clock.sleep(ms).then(() => {
      if (error !== undefined) throw error;
    });
  }

  /** Records and disruptions in the order of their times. */
  async #disrupt(): Promise<void> {
    const { durationMs, disruptions, partitions } = this.#setting;
    const waiting = [...disruptions];
    let nextWaveMs = 0;
    while (nextWaveMs < durationMs) {
      while (waiting[0] !== undefined && waiting[0].atMs <= nextWaveMs) {
        const { atMs, disruption } = waiting.shift() as SimulationSetting['disruptions'][number];
        await this.#advanceTo(START_MS + atMs);
        await this.#strike(disruption);
      }
      await this.#advanceTo(START_MS + nextWaveMs);
      await this.#send(this.#application.wave(this.#inputRandom, this.#clock.now(), partitions));
      nextWaveMs += this.#inputRandom.between(1, MAX_WAVE_PAUSE_MS);
    }
  }

  async #strike(disruption: Disruption): Promise<void> {
    if (disruption.kind === 'ambush') return this.#faults.lay(disruption.ambush);
    if (disruption.kind === 'roll') return this.#track(this.#roll());
    if (disruption.kind === 'compact') return this.#compact();
    const machine = this.#machines.find(({ name }) => name === disruption.machine);
    if (machine === undefined) return;
    if (disruption.kind === 'start') return machine.start();
    if (!machine.occupied) return;
    if (disruption.kind === 'stop') return this.#track(machine.stop());
    const extent = disruption.kind === 'pause' ? ` of ${disruption.ms} ms` : '';
    this.trace.tell(`${machine.name}: ${disruption.kind}${extent}`);
    if (disruption.kind === 'pause') return machine.pause(disruption.ms);
    const tasks = await machine.disk.factory.list();
    machine.kill();
    if (disruption.kind === 'damage' && tasks[0] !== undefined) machine.damage(tasks[0]);
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => this.#inBackground.delete(tracked));
    this.#inBackground.add(tracked);
  }

  async #roll(): Promise<void> {
    this.trace.tell('all machines roll');
    for (const machine of this.#machines) {
      await machine.stop();
      await machine.start();
    }
  }

  /** Once the application has made its changelogs. */
  async #compact(): Promise<void> {
    const topics = [...new Set(this.#layout.changelogs.map(({ topic }) => topic))];
    const existing = await this.#log.client('auditor').admin().partitionCounts(topics);
    if (existing.size < topics.length) return;
    this.trace.tell('the changelogs are compacted');
    this.#states.beforeCompaction();
    for (const topic of topics) this.#log.compact(topic);
  }

  /** Ends all disruptions: faults stop, who stands still goes on, who is down comes back. */
  async #heal(): Promise<void> {
    this.trace.tell('calm begins');
    this.#faults.end();
    for (const machine of this.#machines) machine.resume();
    await this.#until('those to end that are being stopped', async () => [...this.#inBackground].map(() => 'one'));
    for (const machine of this.#machines) if (machine.process?.state === 'dead') await machine.start();
    if (!this.#machines.some(({ occupied }) => occupied)) await this.#machines[0]?.start();
  }

  async #comeToRest(): Promise<void> {
    await this.#advanceTo(this.#clock.now() + this.#application.quietMs);
    await this.#until('every task to run in one place', async () => this.#displaced());
    await this.#until('every input to be committed to its end', () => this.#behind());
    this.#requireCopies();
  }

  /** Tasks that do not run anywhere, or in more than one place. */
  #displaced(): string[] {
    const running = this.#machines.flatMap(({ process, occupied }) => (occupied ? (process?.runningTasks ?? []) : []));
    return this.#layout.taskIds.filter((taskId) => running.filter((id) => id === taskId).length !== 1);
  }

  /** Inputs that are not committed to their end. */
  async #behind(): Promise<string[]> {
    const behind: string[] = [];
    for (const input of this.#layout.inputs) {
      const { end } = await this.#reader.range(input);
      const committed = this.#log.committedOffset(this.#application.applicationId, input) ?? 0;
      if (committed !== end) behind.push(`${input.topic}-${input.partition} is committed to ${committed} of ${end}`);
    }
    return behind;
  }

  /** Every running task and every warm copy holds all that the changelogs say; and there are as many copies as asked for. */
  #requireCopies(): void {
    const processes = this.#machines.flatMap(({ process, occupied }) => (occupied && process ? [process] : []));
    const copies = 1 + Math.min(this.#setting.config.standbyReplicas, processes.length - 1);
    for (const taskId of this.#layout.taskIds) {
      const holders = processes.filter(({ states }) => states.has(taskId));
      if (holders.length !== copies)
        this.#require(`Task ${taskId} is in ${holders.length} places at rest instead of ${copies}`);
      for (const { clientId, states } of holders) {
        const backend = states.get(taskId);
        const what = `State of task ${taskId} in ${clientId} at rest`;
        if (backend !== undefined) this.#require(this.#states.flawAtEnd(what, taskId, backend));
      }
    }
  }

  async #stopAll(): Promise<void> {
    const running = this.#machines.filter(({ occupied }) => occupied);
    await this.#clock.runUntil(Promise.all(running.map((machine) => machine.stop())));
    for (const { name, process } of running) if (process?.state !== 'stopped') this.#require(`${name} does not stop`);
  }

  /** One process on an empty disk must come to the same state from the changelogs alone, and find nothing left to do. */
  async #restoreFromNothing(): Promise<void> {
    this.trace.tell('one process restores everything on an empty disk');
    const machine = new SimulatedMachine('fresh', this.#cluster, { threads: 1, skew: { offsetMs: 0, drift: 0 } });
    await machine.start();
    await this.#until('a fresh process to run all tasks', async () => {
      const running = machine.process?.runningTasks ?? [];
      return this.#layout.taskIds.filter((taskId) => !running.includes(taskId));
    });
    await this.#advanceTo(this.#clock.now() + 1_000);
    for (const [taskId, backend] of machine.process?.states ?? [])
      this.#require(this.#states.flawAtEnd(`State of task ${taskId}, restored from nothing`, taskId, backend));
    await this.#clock.runUntil(machine.stop());
    const [behind] = await this.#behind();
    this.#require(behind && `A fresh process wrote something: ${behind}`);
  }

  async #send(records: readonly ProducedRecord[]): Promise<void> {
    const producer = this.#log.client('producers').plainProducer();
    await this.#clock.runUntil(producer.send(records));
  }

  async #advanceTo(timeMs: number): Promise<void> {
    await this.#clock.advanceTo(timeMs);
    this.#require(this.#violation);
  }

  /** Lets time pass until nothing is left that stands in the way. */
  async #until(what: string, obstacles: () => Promise<readonly string[]>): Promise<void> {
    const deadlineMs = this.#clock.now() + REST_LIMIT_MS;
    for (let left = await obstacles(); left.length > 0; left = await obstacles()) {
      if (this.#clock.now() > deadlineMs)
        this.#require(`After ${REST_LIMIT_MS} ms still waiting for ${what}: ${left.join('; ')}`);
      await this.#advanceTo(this.#clock.now() + 100);
    }
  }

  /** Fails with the flaw, if there is one. */
  #require(flaw: string | undefined): void {
    if (flaw !== undefined) throw new SimulationFailure(flaw);
  }
}
