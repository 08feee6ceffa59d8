/**
 * The closed vocabularies of the alert records: statuses, event types and severities.
 *
 * Invariant: these lists are the only place that spells the words; the union types are made from them. Avro carries the
 * words as plain strings, so a reader that cannot trust the writer asks the `is…` functions.
 */

export const ALERT_STATUSES = ['OPEN', 'ESCALATED', 'ACKNOWLEDGED', 'RESOLVED', 'AUTO_CLOSED'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

export const EVENT_TYPES = [
  'CREATED',
  'ESCALATED',
  'ACKNOWLEDGED',
  'RESOLVED',
  'AUTO_CLOSED',
  'COMMENTED',
  'PURGED',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** From the lightest to the gravest. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

const memberOf = <T extends string>(words: readonly T[]): ((word: unknown) => word is T) => {
  const known: ReadonlySet<unknown> = new Set(words);
  return (word): word is T => known.has(word);
};

export const isAlertStatus = memberOf(ALERT_STATUSES);
export const isEventType = memberOf(EVENT_TYPES);
export const isSeverity = memberOf(SEVERITIES);
