/**
 * An escalation policy: the JSON record on `escalation-policies`, keyed by its id (UTF-8). A tombstone removes it.
 *
 * Invariant: an incident keeps the tiers that were in force when it was opened or reopened; a change here is for later ones.
 */
import type { IncidentSeverity } from './incident.ts';

export interface EscalationTier {
  /** From the opening of the incident, or from the tier before. May be fractional. */
  readonly delayMinutes: number;
  /** Whom the incident is assigned to then; null: nobody new. */
  readonly assignee: string | null;
}

export interface EscalationPolicy {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Null: incidents of any severity. */
  readonly severities: readonly IncidentSeverity[] | null;
  /** Null: incidents of any service. */
  readonly services: readonly string[] | null;
  readonly tiers: readonly EscalationTier[];
  /** How often the tiers start over after the last one. */
  readonly repeat: number;
  /** Driver alerts of these source types open an incident when they escalate; `*` stands for all. Null: none. */
  readonly driverSourceTypes: readonly string[] | null;
}

/** The JSON record on `service-dependencies`, keyed by the service (UTF-8). A tombstone removes it. */
export interface ServiceDependencies {
  readonly service: string;
  readonly dependsOn: readonly string[];
}
