/**
 * The named reasons of the decisions. They reach the event, the log line and the metric label, so they are a closed list,
 * but for the flag names of `auto_close_if` rules, which name themselves.
 */
export const REASONS = {
  /** CREATED: the source type has no rule; the alert is OPEN and stays so. */
  noRule: 'no_rule',
  /** CREATED: fewer alerts in the window than the rule asks for. */
  belowCount: 'below_count',
  /** CREATED and ESCALATED: the alert makes the rule's number. */
  countReached: 'count_reached',
  /** CREATED: the rule's flag is not true, and the rule does not count. */
  flagNotTrue: 'flag_not_true',
  /** CREATED: the rule does not count; it only closes after a time. */
  notCounted: 'not_counted',
  /** AUTO_CLOSED: the time to close after ran out. */
  timeout: 'timeout',
  /** PURGED: the time to purge after ran out. */
  purged: 'purged',
  /** ACKNOWLEDGED, RESOLVED and COMMENTED: somebody asked for it. */
  command: 'command',
  /** No event: an alert with this id is known. */
  duplicate: 'duplicate',
} as const;

const builtIn: ReadonlySet<string> = new Set(Object.values(REASONS));

/** A flag of that name could not be told from a decision of another kind. */
export const isBuiltInReason = (reason: string): boolean => builtIn.has(reason);
