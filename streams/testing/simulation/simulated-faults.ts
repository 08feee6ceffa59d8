/**
 * What goes wrong between the simulated processes and the log: ambushes laid for one step, and a weather of small faults.
 *
 * Invariant: an ambush strikes once, at the first step that fits; everything it and the weather do is decided by the seed.
 */
import { RetriableLogError, StateCorruptedError } from '../../errors.ts';
import type { Fault, FaultInjector, LogOperation, LogOperationKind } from '../in-memory-faults.ts';
import type { SeededRandom } from './random.ts';
import { ProcessDiedError } from './simulated-disk.ts';
import type { SimulationTrace } from './trace.ts';

/** The steps of a process at which something may go wrong. */
export type Step = Exclude<LogOperationKind, 'broker.marker'> | 'state.write';

export type Blow =
  | { readonly kind: 'crash' }
  /** The process stands still for so long (virtual milliseconds). */
  | { readonly kind: 'pause'; readonly ms: number }
  /** A retriable error: the request or the answer is lost. */
  | { readonly kind: 'fail' }
  /** The answer is lost and the request sent again. */
  | { readonly kind: 'repeat' }
  /** The local state of the task turns out to be unreadable. */
  | { readonly kind: 'damage' }
  | { readonly kind: 'delay'; readonly ms: number };

export interface Ambush {
  readonly step: Step;
  readonly phase: 'before' | 'after';
  readonly blow: Blow;
  /** Only for this process; undefined: for whichever comes first. */
  readonly process: string | undefined;
}

/** Faults that may strike at any operation. */
export interface Weather {
  /** Probability that a request or its answer is lost. */
  readonly failRate: number;
  readonly delayRate: number;
  readonly maxDelayMs: number;
  /** How long each fetch of a restore takes at most. */
  readonly maxRestoreMs: number;
  /** How long the broker takes at most to write a transaction's marker. */
  readonly maxMarkerMs: number;
  /** How long it takes at most to prepare the reading of a batch. */
  readonly maxPrepareMs: number;
}

const calm: Weather = { failRate: 0, delayRate: 0, maxDelayMs: 0, maxRestoreMs: 0, maxMarkerMs: 0, maxPrepareMs: 0 };

/** A process as far as it can be struck. */
export interface Victim {
  readonly name: string;
  kill(): void;
  pause(ms: number): void;
  /** From here on the state of the task cannot be opened until it was destroyed. */
  damage(taskId: string): void;
}

export interface SimulatedFaultsOptions {
  readonly random: SeededRandom;
  readonly trace: SimulationTrace;
  /** The process behind a client; undefined for one that is left alone. */
  readonly victimOf: (clientId: string) => Victim | undefined;
}

export class SimulatedFaults implements FaultInjector {
  readonly #options: SimulatedFaultsOptions;
  #weather = calm;
  #ambushes: Ambush[] = [];

  constructor(options: SimulatedFaultsOptions) {
    this.#options = options;
  }

  /** From here on this is the weather. */
  change(weather: Weather): void {
    this.#weather = weather;
  }

  lay(ambush: Ambush): void {
    this.#ambushes.push(ambush);
  }

  /** No more faults. */
  end(): void {
    this.#weather = calm;
    this.#ambushes = [];
  }

  before(operation: LogOperation): Fault | undefined {
    if (operation.kind === 'broker.marker') return this.#lateBy(this.#weather.maxMarkerMs);
    return this.#at('before', operation);
  }

  after(operation: LogOperation): Fault | undefined {
    return this.#at('after', operation);
  }

  /** How long preparing to read a batch takes; undefined: no time at all. Where it fails, the error. */
  preparing(): { readonly ms: number; readonly error: Error | undefined } | undefined {
    const { maxPrepareMs, failRate } = this.#weather;
    const { random, trace } = this.#options;
    if (maxPrepareMs === 0) return undefined;
    const prepared = { ms: random.between(0, maxPrepareMs), error: undefined };
    if (!random.chance(failRate)) return prepared;
    trace.tell('preparing to read a batch fails');
    return { ...prepared, error: new RetriableLogError('REGISTRY_AWAY', 'The schema is not answered; ask again.') };
  }

  /** A step outside of the log: writing a task's state. Throws when that fails, or when the process dies of it. */
  stateWrite(victim: Victim, phase: 'before' | 'after', taskId: string): void {
    const { trace } = this.#options;
    trace.step(`${victim.name} state.write ${phase} ${taskId}`);
    const blow = this.#take(victim, 'state.write', phase);
    if (blow === undefined) return;
    trace.tell(`${victim.name}: ${inWords(blow)} ${phase} state.write ${taskId}`);
    strike(victim, blow);
    if (blow.kind === 'crash') throw new ProcessDiedError(`${victim.name} died`);
    if (blow.kind !== 'damage') return;
    victim.damage(taskId);
    throw new StateCorruptedError('STATE_DAMAGED', `The state of task ${taskId} cannot be read; destroy it.`);
  }

  #at(phase: 'before' | 'after', { clientId, kind, subject }: LogOperation): Fault | undefined {
    const { trace, victimOf } = this.#options;
    const victim = victimOf(clientId);
    if (victim === undefined || kind === 'broker.marker') return undefined;
    trace.step(`${clientId} ${kind} ${phase} ${subject}`);
    const blow = this.#take(victim, kind, phase);
    if (blow === undefined) return this.#weathered(phase, victim, kind, subject);
    trace.tell(`${victim.name}: ${inWords(blow)} ${phase} ${kind} ${subject}`);
    return strike(victim, blow);
  }

  #take(victim: Victim, step: Step, phase: 'before' | 'after'): Blow | undefined {
    const at = this.#ambushes.findIndex(
      (ambush) => ambush.step === step && ambush.phase === phase && (ambush.process ?? victim.name) === victim.name,
    );
    return at < 0 ? undefined : this.#ambushes.splice(at, 1)[0]?.blow;
  }

  #weathered(phase: 'before' | 'after', victim: Victim, kind: Step, subject: string): Fault | undefined {
    const { random, trace } = this.#options;
    const { failRate, delayRate, maxDelayMs, maxRestoreMs } = this.#weather;
    if (phase === 'before' && kind === 'reader.fetch' && maxRestoreMs > 0) return this.#lateBy(maxRestoreMs);
    if (failRate > 0 && random.chance(failRate)) {
      trace.tell(`${victim.name}: fail ${phase} ${kind} ${subject}`);
      return { then: 'fail' };
    }
    return delayRate > 0 && random.chance(delayRate) ? this.#lateBy(maxDelayMs) : undefined;
  }

  #lateBy(maxMs: number): Fault | undefined {
    return maxMs > 0 ? { delayMs: this.#options.random.between(0, maxMs) } : undefined;
  }
}

const inWords = (blow: Blow): string => ('ms' in blow ? `${blow.kind} of ${blow.ms} ms` : blow.kind);

function strike(victim: Victim, blow: Blow): Fault | undefined {
  switch (blow.kind) {
    case 'crash':
      victim.kill();
      return { then: 'crash' };
    case 'pause':
      victim.pause(blow.ms);
      return undefined;
    case 'fail':
    case 'repeat':
      return { then: blow.kind };
    case 'delay':
      return { delayMs: blow.ms };
    case 'damage':
      return undefined;
  }
}
