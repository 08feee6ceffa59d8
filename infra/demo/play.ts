/**
 * Plays the case: sends its alerts on its clock, shows the tables as they change, and says whether all came out as it must.
 *
 * Invariant: every wait is bounded by the case's clock and some slack, so the demo ends whatever the stack does.
 */
import type { Clock } from '../../connectors/log.ts';
import { CASE_ALERTS, CASE_SECONDS, type CaseAlert } from './case.ts';
import { changesBetween, EMPTY_SNAPSHOT, type Snapshot, TABLES, type TableName, tableText } from './tables.ts';
import { decisionProblems, purgeProblems, type SentAlert, timeoutProblems } from './verdicts.ts';

export interface DemoStage {
  /** Sends the alert as it is now; resolves with what the gateway answered. */
  readonly send: (alert: CaseAlert) => Promise<{ readonly alertId: string; readonly status: string }>;
  readonly look: () => Promise<Snapshot>;
  readonly say: (line: string) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How many times as fast as a real one the case's clock runs. */
  readonly speed: number;
}

const LOOK_EVERY_MS = 200;
/** Time for events to get through the stack, beside the case's own. */
const SLACK_MS = 15_000;

class Play {
  readonly #stage: DemoStage;
  readonly #startMs: number;
  readonly #sent: SentAlert[] = [];
  readonly #problems: string[] = [];
  #snapshot: Snapshot = EMPTY_SNAPSHOT;

  constructor(stage: DemoStage) {
    this.#stage = stage;
    this.#startMs = stage.clock.now();
  }

  async run(): Promise<readonly string[]> {
    for (const alert of CASE_ALERTS) {
      await this.#watchUntil(this.#dueMs(alert.atSeconds), () => false);
      await this.#send(alert);
    }
    await this.#milestone('Decided', 0, decisionProblems, ['alerts', 'alert_events']);
    await this.#milestone('Timed out', CASE_SECONDS.timedOut, timeoutProblems, ['alerts', 'alert_events']);
    await this.#milestone('Purged', CASE_SECONDS.purged, purgeProblems, TABLES);
    return this.#problems;
  }

  async #send(alert: CaseAlert): Promise<void> {
    const { alertId, status } = await this.#stage.send(alert);
    this.#sent.push({ alert, alertId });
    const { driver, sourceType, severity, metadata } = alert;
    this.#say(`POST ${driver} ${sourceType} ${severity} ${JSON.stringify(metadata)} -> ${status}`);
    if (status !== alert.status) this.#problems.push(`${driver} was answered ${status}, not ${alert.status}`);
  }

  /** Watches until nothing is amiss any more, or the time for it is over, and shows the tables then. */
  async #milestone(
    title: string,
    atSeconds: number,
    problemsOf: (sent: readonly SentAlert[], snapshot: Snapshot) => readonly string[],
    tables: readonly TableName[],
  ): Promise<void> {
    const untilMs = Math.max(this.#dueMs(atSeconds), this.#stage.clock.now()) + SLACK_MS;
    await this.#watchUntil(untilMs, (snapshot) => problemsOf(this.#sent, snapshot).length === 0);
    const problems = problemsOf(this.#sent, this.#snapshot);
    this.#problems.push(...problems);
    this.#say(`${title}: ${problems.length === 0 ? 'as it must be' : problems.join('; ')}`);
    for (const table of tables) this.#stage.say(`\n${tableText(table, this.#snapshot[table])}`);
    this.#stage.say('');
  }

  async #watchUntil(untilMs: number, isEnough: (snapshot: Snapshot) => boolean): Promise<void> {
    const { clock, look, signal } = this.#stage;
    for (;;) {
      signal.throwIfAborted();
      const snapshot = await look();
      for (const change of changesBetween(this.#snapshot, snapshot)) this.#say(change);
      this.#snapshot = snapshot;
      const leftMs = untilMs - clock.now();
      if (leftMs <= 0 || isEnough(snapshot)) return;
      await clock.sleep(Math.min(LOOK_EVERY_MS, leftMs), signal);
    }
  }

  #dueMs(atSeconds: number): number {
    return this.#startMs + (atSeconds * 1000) / this.#stage.speed;
  }

  /** With the time on the case's clock, minutes and seconds. */
  #say(line: string): void {
    const { clock, speed, say } = this.#stage;
    const seconds = Math.floor(((clock.now() - this.#startMs) / 1000) * speed);
    say(`[${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}] ${line}`);
  }
}

/** Resolves with what did not come out as it must; rejects when the signal aborts or a service fails. */
export const play = (stage: DemoStage): Promise<readonly string[]> => new Play(stage).run();
