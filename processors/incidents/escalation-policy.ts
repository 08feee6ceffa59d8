/**
 * Escalation policies: which incidents they are for, whom they call and when, and which driver alerts open an incident.
 *
 * Invariant: a policy that passes `checkPolicy` can be used as it is; it is the record on `escalation-policies` (JSON), under its id.
 */
import { INCIDENT_SEVERITIES, type IncidentSeverity } from '../../schemas/incident.ts';
import type { EscalationPolicy } from '../../schemas/escalation-policy.ts';
import { ProcessingError } from '../../streams/errors.ts';

export const MAX_TIERS = 10;
export const MAX_REPEATS = 100;
/** A week. */
export const MAX_DELAY_MINUTES = 10_080;

/** What a policy is chosen by. */
export interface PolicySubject {
  readonly severity: IncidentSeverity;
  readonly services: readonly string[];
}

const refuse = (problem: string): never => {
  throw new ProcessingError('INVALID_POLICY', `The escalation policy cannot be used: ${problem}.`);
};

const isListOf = (list: readonly unknown[] | null, isMember: (item: unknown) => boolean): boolean =>
  list === null || (Array.isArray(list) && list.length > 0 && list.every(isMember));

const isText = (item: unknown): boolean => typeof item === 'string' && item.length > 0;

/** Throws a `ProcessingError` that names the field. */
export function checkPolicy(key: string, policy: EscalationPolicy): void {
  const { id, tiers, repeat, severities, services, driverSourceTypes } = policy;
  if (id !== key) refuse(`its id is not the record's key ${JSON.stringify(key)}`);
  if (!Array.isArray(tiers) || tiers.length > MAX_TIERS) refuse(`tiers must be a list of ${MAX_TIERS} at most`);
  for (const { delayMinutes } of tiers) {
    const allowed = Number.isFinite(delayMinutes) && delayMinutes >= 0 && delayMinutes <= MAX_DELAY_MINUTES;
    if (!allowed) refuse(`tiers.delayMinutes is ${delayMinutes}; allowed is 0 to ${MAX_DELAY_MINUTES}`);
  }
  if (!Number.isInteger(repeat) || repeat < 0 || repeat > MAX_REPEATS) {
    refuse(`repeat is ${repeat}; allowed is a whole number from 0 to ${MAX_REPEATS}`);
  }
  if (repeat > 0 && tiers.every(({ delayMinutes }) => delayMinutes === 0)) {
    refuse('tiers that repeat must take time: give one a delayMinutes above 0');
  }
  const known: readonly unknown[] = INCIDENT_SEVERITIES;
  if (!isListOf(severities, (item) => known.includes(item)))
    refuse(`severities allows ${INCIDENT_SEVERITIES.join(', ')}`);
  if (!isListOf(services, isText)) refuse('services must be null or a list of names');
  if (!isListOf(driverSourceTypes, isText))
    refuse('driverSourceTypes must be null or a list of source types, or of "*"');
}

const fits = ({ enabled, severities, services }: EscalationPolicy, subject: PolicySubject): boolean =>
  enabled &&
  (severities === null || severities.includes(subject.severity)) &&
  (services === null || services.some((service) => subject.services.includes(service)));

/** A policy for certain services goes before one for certain severities, and that before one for all. */
const specificity = ({ severities, services }: EscalationPolicy): number =>
  (services === null ? 0 : 2) + (severities === null ? 0 : 1);

/** The policy for an incident; of equally specific ones the one with the lowest id. Undefined when none is for it. */
export const choosePolicy = (
  policies: Iterable<EscalationPolicy>,
  subject: PolicySubject,
): EscalationPolicy | undefined =>
  [...policies]
    .filter((policy) => policy.tiers.length > 0 && fits(policy, subject))
    .sort((a, b) => specificity(b) - specificity(a) || (a.id < b.id ? -1 : 1))[0];

/** The source types of driver alerts that open an incident when they escalate; `*` stands for all. */
export const driverSourceTypes = (policies: Iterable<EscalationPolicy>): ReadonlySet<string> => {
  const types = new Set<string>();
  for (const { enabled, driverSourceTypes: named } of policies) if (enabled) named?.forEach((type) => types.add(type));
  return types;
};
