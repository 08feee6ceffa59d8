/**
 * The topics of the alert system, each with deliberate partitions, retention and compaction.
 *
 * Invariants:
 * - Raw alerts, commands and events have the same number of partitions, since the task of input partition n writes to event
 *   partition n only.
 * - Topics whose records carry event time are kept by the time they were appended. By their own time, replayed old alerts would
 *   be deleted as soon as they are written.
 */
import type { TopicSpec } from '../streams/ports.ts';

export interface TopicNames {
  readonly rawAlerts: string;
  readonly alertEvents: string;
  readonly alertCommands: string;
  readonly alertResults: string;
  readonly alertRules: string;
  readonly deadLetters: string;
}

/** `prefix` keeps several systems on one cluster apart. */
export const topicNames = (prefix = ''): TopicNames => ({
  rawAlerts: `${prefix}raw-alerts`,
  alertEvents: `${prefix}alert-events`,
  alertCommands: `${prefix}alert-commands`,
  alertResults: `${prefix}alert-command-results`,
  alertRules: `${prefix}alert-rules`,
  deadLetters: `${prefix}dead-letters`,
});

const DAY_MS = 86_400_000;

/**
 * The largest batch that the processor writes. Twice what an input topic takes by default, so that an event, which carries its alert,
 * and a dead letter, which carries its record and the reason, fit wherever the original did.
 */
export const MAX_BATCH_BYTES = 2 * 1024 * 1024;

/** For every topic that the processor writes. */
export const TAKES_LARGE_BATCHES: TopicSpec['config'] = { 'max.message.bytes': String(MAX_BATCH_BYTES) };

/** A log that is kept for some days from when it was written. */
export const keptFor = (days: number): TopicSpec['config'] => ({
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'LogAppendTime',
  'retention.ms': String(days * DAY_MS),
});

/** Long enough to replay a month, and for the longest window a rule may have. */
const INPUT_DAYS = 30;
/** Readers that were away, or are made anew, find a quarter of events. */
const EVENT_DAYS = 90;
/** Whoever sent a command waits seconds for its result. */
const RESULT_DAYS = 1;

/** What the system needs before it starts. `partitions` is the number of tasks that can share the work. */
export const alertTopics = (partitions: number, names: TopicNames = topicNames()): readonly TopicSpec[] => [
  { name: names.rawAlerts, partitions, config: keptFor(INPUT_DAYS) },
  { name: names.alertCommands, partitions, config: keptFor(INPUT_DAYS) },
  { name: names.alertResults, partitions, config: { ...keptFor(RESULT_DAYS), ...TAKES_LARGE_BATCHES } },
  { name: names.alertEvents, partitions, config: { ...keptFor(EVENT_DAYS), ...TAKES_LARGE_BATCHES } },
  {
    name: names.alertRules,
    partitions: 1,
    config: {
      'cleanup.policy': 'compact',
      // A process that was away this long still learns that a rule was removed.
      'delete.retention.ms': String(INPUT_DAYS * DAY_MS),
    },
  },
  {
    name: names.deadLetters,
    partitions: 1,
    config: { ...keptFor(EVENT_DAYS), ...TAKES_LARGE_BATCHES },
  },
];
