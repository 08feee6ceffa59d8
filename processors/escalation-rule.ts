/**
 * A rule made ready for deciding: minutes turned into milliseconds, texts that every event of it carries written once.
 *
 * Invariant: it says the same as the record it is made from. Defaults of the settings live here and nowhere else.
 */
import type { AlertRule } from '../schemas/alert-rule.ts';
import { isSeverity, type Severity } from '../schemas/vocabulary.ts';
import { minutesToMs } from './minutes.ts';
import { countSettings, type CountSettings } from './recent-times.ts';
import { REASONS } from './reasons.ts';

export interface EscalationRule {
  /** Undefined: the rule does not count. */
  readonly count: CountSettings | undefined;
  readonly escalateTo: Severity | null;
  /** From the alert's event time; undefined: it is not closed by time. */
  readonly closeAfterMs: number | undefined;
  /** The metadata flag that closes an alert at once. */
  readonly closeIf: string | undefined;
  /** Event metadata by reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Event metadata of an escalation, around its count. */
  readonly escalatedMetadata: readonly [beforeCount: string, afterCount: string];
}

/** What happens to closed alerts. */
export interface Retention {
  /** From AUTO_CLOSED to PURGED. */
  readonly purgeAfterMs: number;
  /** Whether the read model archives what it purges. */
  readonly archive: boolean;
}

const DEFAULT_RETENTION: Retention = { purgeAfterMs: minutesToMs(5), archive: true };

/** The event metadata of a decision: its reason and the source type, as JSON text. */
export const reasonMetadata = (reason: string, sourceType: string): string =>
  `{"reason":${JSON.stringify(reason)},"src":${JSON.stringify(sourceType)}}`;

/** `rule` must have passed `checkRule`; `graceMs` is how late an alert may be and still be counted exactly. */
export function escalationRule(rule: AlertRule, graceMs: number): EscalationRule {
  const { sourceType, escalateIfCount, windowMins, escalateTo, autoCloseAfterMins, autoCloseIf } = rule;
  const reasons: string[] = [REASONS.belowCount, REASONS.countReached, REASONS.flagNotTrue, REASONS.notCounted];
  if (autoCloseIf !== null) reasons.push(autoCloseIf);
  return {
    count:
      escalateIfCount === null || windowMins === null
        ? undefined
        : countSettings(escalateIfCount, minutesToMs(windowMins), graceMs),
    escalateTo: isSeverity(escalateTo) ? escalateTo : null,
    closeAfterMs: autoCloseAfterMins === null ? undefined : minutesToMs(autoCloseAfterMins),
    closeIf: autoCloseIf ?? undefined,
    metadata: Object.fromEntries(reasons.map((reason) => [reason, reasonMetadata(reason, sourceType)])),
    escalatedMetadata: [
      `${reasonMetadata(REASONS.countReached, sourceType).slice(0, -1)},"count":`,
      `,"windowMins":${JSON.stringify(windowMins)}}`,
    ],
  };
}

/** The settings of all rules: the record under `*`, with defaults for what it leaves open. */
export const retentionOf = (settings: AlertRule | undefined): Retention => ({
  purgeAfterMs:
    settings === undefined || settings.purgeAfterMins === null
      ? DEFAULT_RETENTION.purgeAfterMs
      : minutesToMs(settings.purgeAfterMins),
  archive: settings?.archive ?? DEFAULT_RETENTION.archive,
});
