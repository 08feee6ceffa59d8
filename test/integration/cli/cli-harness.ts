/**
 * A whole alert system with topics and a database of its own, and `alerts` commands run against it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { Services } from '../../../cli/services.ts';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { runAlerts, type CommandResult } from '../../support/cli-world.ts';
import { TestDatabase, type StoredImage } from '../sink/test-database.ts';

export interface Lag {
  readonly reader: string;
  readonly lag: number;
  readonly member?: string;
}

export class CliWorld {
  readonly prefix: string;
  readonly database: TestDatabase;
  readonly system: AlertProcesses;
  readonly services: Services;

  private constructor(prefix: string, database: TestDatabase, system: AlertProcesses) {
    this.prefix = prefix;
    this.database = database;
    this.system = system;
    this.services = new Services(system.environment, process.stderr);
  }

  /** Everything runs and is ready. */
  static async start(rules: object): Promise<CliWorld> {
    const prefix = `cli-${randomUUID().slice(0, 8)}-`;
    const database = await TestDatabase.create();
    const world = new CliWorld(prefix, database, await AlertProcesses.prepare(prefix, database.url, rules));
    world.system.start('processor', 'sink', 'gateway');
    await world.system.ready();
    return world;
  }

  get changelogs(): string[] {
    return ['alerts', 'recent-times'].map((store) => `${this.prefix}alerts-processor-${store}-changelog`);
  }

  alerts(...args: string[]): Promise<CommandResult> {
    return runAlerts(this.system.environment, args);
  }

  /** The JSON result of a command that succeeds. */
  async json<T>(...args: string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await this.alerts(...args, '--json');
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  }

  produce(...lines: object[]): Promise<CommandResult> {
    const text = lines.map((line) => JSON.stringify(line)).join('\n');
    return runAlerts(this.system.environment, ['produce', '--json'], text);
  }

  /** Until processor and sink have taken everything. The marker of a transaction counts as one. */
  async caughtUp(): Promise<void> {
    const hold = (rows: readonly Lag[]): boolean => rows.every(({ lag }) => lag <= 1);
    await until('the end of the lag', () => this.json<Lag[]>('lag'), hold);
  }

  /** The same for the same rows. */
  async checksum(): Promise<string> {
    return checksumOf(await this.database.image());
  }

  async close(): Promise<void> {
    await this.system.close();
    const topics = Object.values(this.services.topics) as string[];
    await this.services.admin.deleteTopics([...topics, ...this.changelogs]);
    await this.services.close();
    await this.database.drop();
  }
}

/** How much there is, and a hash of all of it. */
export const checksumOf = ({ alerts, events, archivedAlerts, archivedEvents }: StoredImage): string => {
  const tables = [alerts, events, archivedAlerts, archivedEvents];
  const hash = createHash('sha256').update(JSON.stringify(tables)).digest('hex');
  return `${tables.map(({ length }) => length).join('/')} ${hash}`;
};

export const until = async <T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> => {
  for (const deadlineMs = Date.now() + 60_000; ; await sleep(100)) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > deadlineMs) throw new Error(`${what} did not come: ${JSON.stringify(answer).slice(0, 2_000)}`);
  }
};
