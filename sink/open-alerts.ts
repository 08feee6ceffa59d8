/**
 * How many alerts are not settled yet, by source, severity and status, for a gauge.
 *
 * Invariant: the number of labels is bounded, whatever producers send: beyond the largest sources, all others count as one.
 */
import type { Measurement } from '../connectors/log.ts';
import type { SqlStatements } from '../connectors/mysql/database.ts';
import { isSeverity } from '../schemas/vocabulary.ts';

const OTHER = 'other';
const MAX_SOURCES = 50;
/** Answered from the index `alerts_status` alone. */
const QUERY = `SELECT source_type, severity, status, COUNT(*) AS alerts FROM alerts
  WHERE status IN ('OPEN', 'ESCALATED', 'ACKNOWLEDGED') GROUP BY status, source_type, severity`;

export interface OpenGroup {
  readonly source: string;
  readonly severity: string;
  readonly status: string;
  readonly alerts: number;
}

/** The largest sources by their own names. */
const namedSources = (groups: readonly OpenGroup[], maxSources: number): ReadonlySet<string> => {
  const totals = new Map<string, number>();
  for (const { source, alerts } of groups) totals.set(source, (totals.get(source) ?? 0) + alerts);
  const largest = [...totals].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return new Set(largest.slice(0, maxSources).map(([source]) => source));
};

export const openAlertMeasurements = (
  groups: readonly OpenGroup[],
  maxSources: number = MAX_SOURCES,
): readonly Measurement[] => {
  const named = namedSources(groups, maxSources);
  const sums = new Map<string, Measurement>();
  for (const { source, severity, status, alerts } of groups) {
    const labels = {
      source_type: named.has(source) ? source : OTHER,
      severity: isSeverity(severity) ? severity : OTHER,
      status,
    };
    const key = JSON.stringify(labels);
    sums.set(key, { name: 'alerts_open', labels, value: (sums.get(key)?.value ?? 0) + alerts });
  }
  return [...sums.values()];
};

/** Rejects as the database does. */
export const measureOpenAlerts = async (database: SqlStatements): Promise<readonly Measurement[]> => {
  const rows = await database.query(QUERY);
  return openAlertMeasurements(
    rows.map((row) => ({
      source: String(row['source_type']),
      severity: String(row['severity']),
      status: String(row['status']),
      alerts: Number(row['alerts']),
    })),
  );
};
