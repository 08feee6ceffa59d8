/**
 * One client's connection to the in-memory log: whether its process is alive, and the gate that all its operations pass.
 *
 * Invariant: a crashed client's calls never return and never take effect; a paused client's calls take effect and return
 * only after it goes on. Both are silent: nobody is told, just as a broker is not told that a process was killed or stalls.
 */
import { FatalLogError, RetriableLogError } from '../errors.ts';
import type { Clock } from '../ports.ts';
import type { LogChanges } from './in-memory-changes.ts';
import type { Fault, FaultInjector, LogOperation, LogOperationKind } from './in-memory-faults.ts';

/** Requests that the broker recognises when it gets them again. */
const numbered: ReadonlySet<LogOperationKind> = new Set(['producer.append', 'producer.send']);

type Liveness = 'running' | 'paused' | 'crashed';

export interface SessionContext {
  readonly clock: Clock;
  readonly faults: FaultInjector;
  readonly changes: LogChanges;
}

export class ClientSession {
  readonly clientId: string;
  readonly #context: SessionContext;
  readonly #closing = new AbortController();
  readonly #livenessListeners = new Set<() => void>();
  #liveness: Liveness = 'running';

  constructor(clientId: string, context: SessionContext) {
    this.clientId = clientId;
    this.#context = context;
  }

  get running(): boolean {
    return this.#liveness === 'running';
  }

  /** Aborts when the client closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  crash(): void {
    this.#become('crashed');
  }

  pause(): void {
    if (this.#liveness === 'running') this.#become('paused');
  }

  resume(): void {
    if (this.#liveness === 'paused') this.#become('running');
  }

  async close(): Promise<void> {
    await this.#alive();
    this.#closing.abort();
  }

  /** Calls back whenever the client stops or starts to show signs of life. Returns how to stop that. */
  onLiveness(listener: () => void): () => void {
    this.#livenessListeners.add(listener);
    return () => this.#livenessListeners.delete(listener);
  }

  /** Runs one operation of this client through the fault injector. */
  async call<T>(kind: LogOperationKind, subject: string, effect: () => T | Promise<T>): Promise<T> {
    const operation: LogOperation = { clientId: this.clientId, kind, subject };
    if (this.closing.aborted) throw new FatalLogError('CLIENT_CLOSED', `${this.clientId} is closed; make a new client`);
    await this.#pass(operation, this.#context.faults.before(operation));
    const result = await this.#settled(effect);
    const fault = this.#context.faults.after(operation);
    await this.#pass(operation, fault);
    return fault?.then === 'repeat' && !numbered.has(kind) ? this.#settled(effect) : result;
  }

  /** Waits for a change of the log; see `LogChanges.until`. */
  async wait(ready: () => boolean, timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    await this.#context.changes.until(ready, timeoutMs, signal);
    await this.#alive();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#context.clock.sleep(ms, signal);
    await this.#alive();
  }

  /** Whatever the effect leads to, a dead client does not hear of it. */
  async #settled<T>(effect: () => T | Promise<T>): Promise<T> {
    // It may have died since it was seen alive: other steps come between.
    while (!this.running) await this.#alive();
    try {
      return await effect();
    } finally {
      await this.#alive();
    }
  }

  async #pass(operation: LogOperation, fault: Fault | undefined): Promise<void> {
    if (fault?.delayMs !== undefined) await this.#context.clock.sleep(fault.delayMs);
    if (fault?.then === 'crash') this.crash();
    await this.#alive();
    if (fault?.then === 'fail') {
      const what = `${operation.kind} of ${operation.clientId} on ${operation.subject}`;
      throw new RetriableLogError('BROKER_NOT_AVAILABLE', `${what} was not answered; try again`);
    }
  }

  async #alive(): Promise<void> {
    while (this.#liveness !== 'running') await new Promise<void>((resolve) => this.#onceLivenessChanges(resolve));
  }

  #onceLivenessChanges(listener: () => void): void {
    const stop = this.onLiveness(() => {
      stop();
      listener();
    });
  }

  #become(liveness: Liveness): void {
    this.#liveness = liveness;
    for (const listener of [...this.#livenessListeners]) listener();
    this.#context.changes.notify();
  }
}
