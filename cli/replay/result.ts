/**
 * A replay's result, for people and for programs.
 */
import { count, duration, plural, table, time } from '../text.ts';
import type { AlertDifference, Step } from './comparison.ts';
import type { TimeRange } from './reading.ts';
import type { ReplayTotals } from './replay.ts';
import type { ComparisonSummary, EventCounts } from './summary.ts';

export interface ReplayResult extends ReplayTotals {
  readonly durationMs: number;
  readonly range: TimeRange;
  /** Events of the stretch by type; under the rules in force where two sets were compared. */
  readonly events: EventCounts;
  /** Alerts that people acted on: their events are those of the log. */
  readonly actedOn: number;
  readonly written:
    | {
        readonly database: string;
        /** Events that the tables do not take. */
        readonly refused: number;
        /** Whether the live sink writes there as well. */
        readonly live: boolean;
      }
    | undefined;
  readonly comparison: ComparisonSummary | undefined;
}

const SHOWN_EXAMPLES = 20;

export function resultText(result: ReplayResult): string {
  const { range, read, durationMs, events, actedOn, deadLetters, written, comparison } = result;
  const from = range.fromMs === -Infinity ? 'the beginning' : time(range.fromMs);
  const to = range.toMs === Infinity ? 'now' : time(range.toMs);
  const rate = count(Math.round((read / Math.max(1, durationMs)) * 1000));
  const kinds = Object.entries(events).map(([type, number]) => `${count(number)} ${type}`);
  return [
    `From ${from} to ${to}: ${plural(read, 'record')} read in ${duration(durationMs)} (${rate}/s)`,
    `Events: ${kinds.join(', ') || 'none'}`,
    ...(actedOn === 0 ? [] : [`Alerts that people acted on, with the events they have: ${count(actedOn)}`]),
    ...(deadLetters === 0 ? [] : [`Dead letters, left as they are: ${count(deadLetters)}`]),
    ...(written === undefined ? ['Nothing was written.'] : writtenLines(written)),
    ...(comparison === undefined ? [] : comparisonLines(comparison)),
  ].join('\n');
}

function writtenLines({ database, refused }: NonNullable<ReplayResult['written']>): readonly string[] {
  const left = refused === 0 ? [] : [`The tables do not take ${plural(refused, 'event')}.`];
  return [`Written into the database ${database}; events that it held already stay as they are.`, ...left];
}

function comparisonLines({ differing, changes, sources, examples }: ComparisonSummary): readonly string[] {
  const verdict =
    differing === 0
      ? 'No alert would have fared differently.'
      : `${plural(differing, 'alert')} would have fared differently:`;
  return [
    '',
    verdict,
    ...Object.entries(changes).map(([kind, number]) => `  ${count(number)} ${kind}`),
    '',
    table(
      ['source', 'alerts', 'escalated', 'would be', 'closed', 'would be ', 'differing'],
      sources.map(({ sourceType, alerts, escalated, closed, differing: number }) => [
        sourceType,
        ...[alerts, escalated.current, escalated.candidate, closed.current, closed.candidate, number].map(count),
      ]),
      ['alerts', 'escalated', 'would be', 'closed', 'would be ', 'differing'],
    ),
    ...(differing === 0 ? [] : ['', exampleTable(examples.slice(0, SHOWN_EXAMPLES))]),
    ...(differing > SHOWN_EXAMPLES
      ? [`… and ${count(differing - SHOWN_EXAMPLES)} more; --report writes all to a file.`]
      : []),
  ];
}

const exampleTable = (examples: readonly AlertDifference[]): string =>
  table(
    ['happened', 'alert', 'driver', 'source', 'change', 'was', 'would be'],
    examples.map(({ alertId, driverId, sourceType, happenedMs, changes, current, candidate }) => [
      ...[time(happenedMs), alertId, driverId, sourceType, changes.join(', ')],
      ...[stepsText(current), stepsText(candidate)],
    ]),
  );

const stepsText = (steps: readonly Step[]): string =>
  steps
    .map(({ eventType, severity, timestampMs, reason }) =>
      eventType === 'ESCALATED' ? `escalated to ${severity}` : `closed ${time(timestampMs)} (${reason})`,
    )
    .join(', ') || '-';
