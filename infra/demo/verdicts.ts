/**
 * Whether the tables show what the case says.
 *
 * Invariant: pure; every difference is one sentence that names the alert, so an empty list means that the case came out exactly.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CaseAlert } from './case.ts';
import type { DemoRow, Snapshot } from './tables.ts';

/** An alert of the case that was sent, and the id it got. */
export interface SentAlert {
  readonly alert: CaseAlert;
  readonly alertId: string;
}

const sameJson = (text: string | undefined, value: unknown): boolean =>
  text !== undefined && isDeepStrictEqual(JSON.parse(text), value);

const nameOf = ({ alert }: SentAlert): string =>
  `${alert.driver} ${alert.sourceType} ${JSON.stringify(alert.metadata)} (sent at ${alert.atSeconds} s)`;

const rowOf = (rows: readonly DemoRow[], { alertId }: SentAlert): DemoRow | undefined =>
  rows.find(({ key }) => key === alertId);

const eventsOf = (rows: readonly DemoRow[], { alertId }: SentAlert): readonly DemoRow[] =>
  rows.filter(({ cells }) => cells['event_id']?.startsWith(`${alertId}:`) === true);

const rowProblems = (sent: SentAlert, row: DemoRow | undefined, status: string): readonly string[] => {
  if (row === undefined) return [`${nameOf(sent)} is not in the table`];
  const { cells } = row;
  const problems: string[] = [];
  if (cells['status'] !== status) problems.push(`${nameOf(sent)} is ${cells['status']}, not ${status}`);
  if (cells['severity'] !== sent.alert.decidedSeverity) {
    problems.push(`${nameOf(sent)} has severity ${cells['severity']}, not ${sent.alert.decidedSeverity}`);
  }
  if (!sameJson(cells['metadata'], sent.alert.metadata)) {
    problems.push(`${nameOf(sent)} has the metadata ${cells['metadata']}`);
  }
  return problems;
};

/** After all alerts were sent: each as it was decided. */
export const decisionProblems = (sent: readonly SentAlert[], { alerts }: Snapshot): readonly string[] =>
  sent.flatMap((each) => rowProblems(each, rowOf(alerts, each), each.alert.status));

/** After the timeouts: closed, by an event that says from which status and why. */
export const timeoutProblems = (
  sent: readonly SentAlert[],
  { alerts, alert_events: events }: Snapshot,
): readonly string[] =>
  sent
    .filter(({ alert }) => alert.timesOut)
    .flatMap((each) => {
      const closing = eventsOf(events, each).find(({ cells }) => cells['event_type'] === 'AUTO_CLOSED')?.cells;
      const problems = [...rowProblems(each, rowOf(alerts, each), 'AUTO_CLOSED')];
      if (closing === undefined) return [...problems, `${nameOf(each)} has no AUTO_CLOSED event`];
      if (closing['old_status'] !== each.alert.status) problems.push(`${nameOf(each)} was closed from another status`);
      if (!sameJson(closing['metadata'], { reason: 'timeout', src: each.alert.sourceType })) {
        problems.push(`${nameOf(each)} was closed with the metadata ${closing['metadata']}`);
      }
      return problems;
    });

/** After the purge: gone with its events, and both in the archive; the others still there. */
export const purgeProblems = (sent: readonly SentAlert[], snapshot: Snapshot): readonly string[] =>
  sent.flatMap((each) => {
    const left = rowOf(snapshot.alerts, each) !== undefined || eventsOf(snapshot.alert_events, each).length > 0;
    const archived =
      rowOf(snapshot.alerts_archive, each) !== undefined && eventsOf(snapshot.alert_events_archive, each).length > 0;
    if (!each.alert.purged) return left && !archived ? [] : [`${nameOf(each)} was purged, and should not be`];
    return [
      ...(left ? [`${nameOf(each)} is still in the tables`] : []),
      ...(archived ? [] : [`${nameOf(each)} is not in the archive`]),
    ];
  });
