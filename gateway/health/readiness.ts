/**
 * Whether everything between a request and its row in the database works.
 *
 * Invariant: an answer comes within the time limit whatever hangs, checks run once at a time however often they are asked for, and
 * a report names each check but nothing of the inside; why one failed is for the log.
 */
import type { Clock, Logger } from '../../connectors/log.ts';

/** Resolves when all is well; rejects, or takes too long, when not. */
export type Check = (signal: AbortSignal) => Promise<void>;

export interface CheckReport {
  readonly status: 'UP' | 'DOWN';
  readonly detail?: string;
}

export interface ReadinessReport {
  readonly status: 'UP' | 'DOWN';
  readonly checks: Readonly<Record<string, CheckReport>>;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
}

export class Readiness {
  readonly #checks: Readonly<Record<string, Check>>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #failing = new Set<string>();
  #running: Promise<ReadinessReport> | undefined;

  /** `timeoutMs`: for each check; they run side by side. */
  constructor(checks: Readonly<Record<string, Check>>, timeoutMs: number, clock: Clock, logger: Logger) {
    this.#checks = checks;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#logger = logger;
  }

  report(): Promise<ReadinessReport> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #run(): Promise<ReadinessReport> {
    const names = Object.keys(this.#checks);
    const reports = await Promise.all(names.map((name) => this.#check(name)));
    return {
      status: reports.every(({ status }) => status === 'UP') ? 'UP' : 'DOWN',
      checks: Object.fromEntries(names.map((name, index) => [name, reports[index] ?? { status: 'DOWN' }])),
      timestamp: new Date(this.#clock.now()).toISOString(),
    };
  }

  async #check(name: string): Promise<CheckReport> {
    const over = new AbortController();
    const check = (async () => {
      await this.#checks[name]?.(over.signal);
      return undefined;
    })().catch((error: unknown) => ({ detail: 'failed', error }));
    const timeout = this.#clock
      .sleep(this.#timeoutMs, over.signal)
      .then(() => ({ detail: `no answer within ${this.#timeoutMs} ms`, error: undefined }));
    const problem = await Promise.race([check, timeout]);
    over.abort();
    this.#noteChange(name, problem);
    return problem === undefined ? { status: 'UP' } : { status: 'DOWN', detail: problem.detail };
  }

  /** One log line when a check starts to fail and one when it works again, not one for each question. */
  #noteChange(name: string, problem: { detail: string; error: unknown } | undefined): void {
    if (problem === undefined) {
      if (this.#failing.delete(name)) this.#logger.info('check passes again', { check: name });
    } else if (!this.#failing.has(name)) {
      this.#failing.add(name);
      this.#logger.warn('check fails', { check: name, detail: problem.detail, err: problem.error });
    }
  }
}
