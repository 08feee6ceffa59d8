/**
 * The severity ladder and how far an escalation climbs it.
 *
 * Invariant: an escalation never lowers a severity; the top of the ladder stays where it is.
 */
import { SEVERITIES, type Severity } from '../schemas/vocabulary.ts';

/** Two steps up each severity. Spelled out, so that an escalation is one look-up. */
const TWO_STEPS_UP: Readonly<Record<Severity, Severity>> = {
  low: 'high',
  medium: 'critical',
  high: 'critical',
  critical: 'critical',
};

/** The severity after an escalation: `escalateTo` where the rule names one that is higher, else two steps up. */
export function escalatedSeverity(severity: Severity, escalateTo: Severity | null): Severity {
  if (escalateTo === null) return TWO_STEPS_UP[severity];
  return SEVERITIES.indexOf(escalateTo) > SEVERITIES.indexOf(severity) ? escalateTo : severity;
}
