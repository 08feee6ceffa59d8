/**
 * The topics of the logs, each with deliberate partitions, retention and compaction.
 *
 * Invariants:
 * - Logs, their alerts and their error counts have the same number of partitions, since the task of input partition n writes to
 *   partition n only.
 * - Topics whose records carry event time are kept by the time they were appended.
 */
import type { TopicSpec } from '../streams/ports.ts';
import { keptFor, TAKES_LARGE_BATCHES } from './topics.ts';

export interface LogTopicNames {
  readonly logEvents: string;
  readonly logAlertRules: string;
  readonly logAlerts: string;
  readonly logErrorCounts: string;
}

/** `prefix` keeps several systems on one cluster apart. */
export const logTopicNames = (prefix = ''): LogTopicNames => ({
  logEvents: `${prefix}log-events`,
  logAlertRules: `${prefix}log-alert-rules`,
  logAlerts: `${prefix}log-alerts`,
  logErrorCounts: `${prefix}log-error-counts`,
});

const DAY_MS = 86_400_000;
/** Logs are many; what is asked for later is in the tables. */
const LOG_DAYS = 3;
const ALERT_DAYS = 90;
/** Each record replaces the one before it, and the tables keep the last. */
const COUNT_DAYS = 7;
/** A process that was away this long still learns that a rule was removed. */
const TOMBSTONE_DAYS = 30;

export const logTopics = (partitions: number, names: LogTopicNames = logTopicNames()): readonly TopicSpec[] => [
  { name: names.logEvents, partitions, config: { ...keptFor(LOG_DAYS), ...TAKES_LARGE_BATCHES } },
  { name: names.logAlerts, partitions, config: { ...keptFor(ALERT_DAYS), ...TAKES_LARGE_BATCHES } },
  { name: names.logErrorCounts, partitions, config: { ...keptFor(COUNT_DAYS), ...TAKES_LARGE_BATCHES } },
  {
    name: names.logAlertRules,
    partitions: 1,
    config: { 'cleanup.policy': 'compact', 'delete.retention.ms': String(TOMBSTONE_DAYS * DAY_MS) },
  },
];
