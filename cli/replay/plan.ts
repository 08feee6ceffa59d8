/**
 * What a replay is to do, worked out and checked before anything is read or written.
 *
 * Invariant: a combination that could leave a database with events that contradict each other is refused here.
 */
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import type { AlertRule } from '../../schemas/alert-rule.ts';
import { refusal, usageError } from '../exit-codes.ts';
import { time } from '../text.ts';
import { leadMs, readsBefore, type AlertLog, type PartitionReading, type TimeRange } from './reading.ts';

/** As the command line gives it; times are UTC epoch milliseconds. */
export interface ReplayOptions {
  readonly from?: number;
  readonly to?: number;
  readonly rules?: string;
  readonly dryRun?: boolean;
  readonly report?: string;
  readonly into?: string;
  readonly force?: boolean;
}

/** The stretch of event time. Throws a usage error for options that do not go together. */
export function rangeOf(options: ReplayOptions, nowMs: number): TimeRange {
  const { from = -Infinity, to = Infinity, rules, dryRun, report, into } = options;
  if (from >= to) throw usageError('--from must lie before --to.');
  if (dryRun && into !== undefined) throw usageError('--dry-run writes nothing, so --into has no meaning with it.');
  if (report !== undefined && !(dryRun && rules !== undefined)) {
    throw usageError('--report goes with --dry-run and --rules: it lists the alerts that would differ.');
  }
  if (!dryRun && rules !== undefined && into === undefined) {
    throw usageError(
      'Other rules make other events: give --into with an empty database for them, or --dry-run to compare.',
    );
  }
  if (!dryRun && to !== Infinity && to > nowMs) {
    throw usageError('--to lies in the future; what has not happened can only be asked for with --dry-run.');
  }
  return { fromMs: from, toMs: to };
}

/** The database that `--into` names. */
export function targetUrl(mysqlUrl: string, into: string | undefined): string {
  if (into === undefined || into.includes('://')) return into ?? mysqlUrl;
  if (!/^[\w-]{1,64}$/.test(into)) throw usageError('--into must be the name of a database, or its address mysql://….');
  const url = new URL(mysqlUrl);
  url.pathname = `/${into}`;
  return url.href;
}

/** The append time at which reading has to begin for events of the range under each of these sets of rules. */
export function readFromMsFor(
  { fromMs }: TimeRange,
  ruleSets: readonly (readonly AlertRule[])[],
  { graceMs, futureSkewMs }: { readonly graceMs: number; readonly futureSkewMs: number },
): number {
  const lead = Math.max(...ruleSets.map((rules) => leadMs(rules, graceMs)));
  return fromMs - lead - futureSkewMs;
}

export interface Target {
  readonly database: MysqlDatabase;
  readonly alertEventsTopic: string;
}

/** Whether the live sink writes into the database, or did. */
export async function isFedLive({ database, alertEventsTopic }: Target): Promise<boolean> {
  const rows = await database.query('SELECT 1 FROM sink_offsets WHERE topic = ? LIMIT 1', [alertEventsTopic]);
  return rows.length > 0;
}

/** Other rules make events of the same ids that say something else; they must not meet those of the live job. */
export async function requireOwnDatabase(target: Target): Promise<void> {
  if (await isFedLive(target))
    throw refusal('The live sink writes into this database; give events of other rules one of their own.');
  for (const table of ['alerts', 'alerts_archive']) {
    const rows = await target.database.query(`SELECT 1 FROM ${table} LIMIT 1`);
    if (rows.length > 0)
      throw refusal(`The table ${table} of this database is not empty; events of other rules need an empty one.`);
  }
}

/** The rules in force count for the whole stretch; the live job may have had others in a part of it. */
export async function requireSteadyRules(
  target: Target,
  log: AlertLog,
  readings: readonly PartitionReading[],
  changedMs: number | undefined,
): Promise<void> {
  if (changedMs === undefined || !(await isFedLive(target)) || !(await readsBefore(log, readings, changedMs))) return;
  throw refusal(
    `A rule was set or removed at ${time(changedMs)}, after the first alerts that this replay reads: the live job has decided them by other ` +
      'rules, and its events are in this database. Take a later --from, write into an empty database (--into), or add --force.',
  );
}
