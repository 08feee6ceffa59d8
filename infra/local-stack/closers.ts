/**
 * What has to be ended, kept in the order in which it was started. Invariant: everything is ended exactly once, last started
 * first, and a failure to end one thing does not keep the others running.
 */
import type { Reporter } from './report.ts';
import { messageOf } from './stack-failure.ts';

export class Closers {
  readonly #entries: {
    readonly name: string;
    readonly isShown: boolean;
    readonly close: () => Promise<void> | void;
  }[] = [];
  readonly #reporter: Reporter;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  add(name: string, close: () => Promise<void> | void): void {
    this.#entries.push({ name, isShown: true, close });
  }

  /** For what takes no time and means nothing to the person at the terminal. */
  addQuietly(name: string, close: () => void): void {
    this.#entries.push({ name, isShown: false, close });
  }

  async closeAll(): Promise<void> {
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      if (entry.isShown) this.#reporter.progress(`Stopping ${entry.name}`);
      try {
        await entry.close();
      } catch (error) {
        this.#reporter.line(`${entry.name} could not be stopped: ${messageOf(error)}`);
      }
    }
  }
}
