/**
 * An alert on its way to an incident, whichever application it comes from.
 *
 * Invariant: what an incident needs of an alert is in the signal, so that it can be sent on to another place and decided there.
 */
import { incidentIdOf } from '../../schemas/incident-id.ts';
import type { IncidentSeverity } from '../../schemas/incident.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { LogAlert } from '../../schemas/log-alert.ts';

export interface Signal {
  readonly source: 'log-alert' | 'driver-alert';
  /** The service, or `driver:<driverId>`. */
  readonly service: string;
  readonly ruleId: string;
  /** `<service>:<ruleId>`. */
  readonly fingerprint: string;
  readonly title: string;
  readonly message: string;
  readonly severity: IncidentSeverity;
  readonly alertId: string;
  readonly errorCount: number | null;
  readonly windowMinutes: number | null;
  /** Event time of the alert, UTC epoch milliseconds. */
  readonly atMs: number;
}

/** A signal under way between places. */
export interface RoutedSignal {
  readonly signal: Signal;
  /** With it goes the right to decide on its fingerprint. */
  readonly takesOver: boolean;
  /** How often it was sent on. */
  readonly hops: number;
}

const SEVERITY_OF: Readonly<Record<string, IncidentSeverity>> = { critical: 'P1', high: 'P2', medium: 'P3', low: 'P3' };

const severityOf = (word: string): IncidentSeverity => SEVERITY_OF[word.toLowerCase()] ?? 'P3';

export const fingerprintOf = (service: string, ruleId: string): string => `${service}:${ruleId}`;

export const fromLogAlert = (alert: LogAlert): Signal => ({
  source: 'log-alert',
  service: alert.service,
  ruleId: alert.ruleId,
  fingerprint: fingerprintOf(alert.service, alert.ruleId),
  title: `${alert.ruleName} on ${alert.service}`,
  message: alert.message,
  severity: severityOf(alert.severity),
  alertId: alert.alertId,
  errorCount: alert.count,
  windowMinutes: alert.windowMinutes,
  atMs: alert.triggeredAt,
});

/** The service name under which the alerts of a driver stand among incidents. */
export const driverService = (driverId: string): string => `driver:${driverId}`;

/** `event` tells that a driver alert has escalated. */
export const fromEscalation = (event: LifecycleEvent): Signal => {
  const service = driverService(event.driverId);
  const about = JSON.parse(event.metadata) as { readonly count?: unknown; readonly windowMins?: unknown };
  return {
    source: 'driver-alert',
    service,
    ruleId: event.sourceType,
    fingerprint: fingerprintOf(service, event.sourceType),
    title: `${event.sourceType} alerts of driver ${event.driverId} escalated`,
    message: event.reason,
    severity: severityOf(event.severity),
    alertId: event.alertId,
    errorCount: typeof about.count === 'number' ? about.count : null,
    windowMinutes: typeof about.windowMins === 'number' ? about.windowMins : null,
    atMs: event.timestamp,
  };
};

/** 32 bits of FNV-1a. */
const fnv = (text: string, start: number): number => {
  let hash = start;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
};

/** The id of the incident that a signal opens: the same for the same alert in the same partition, also in a replay. */
export const openedIncidentId = ({ atMs, fingerprint, alertId }: Signal, partition: number): string => {
  const seed = `${fingerprint}\n${alertId}`;
  const [a, b] = [fnv(seed, 0x811c9dc5), fnv(seed, 0x01234567)];
  return incidentIdOf(atMs, partition, { high: b >>> 20, low: (b & 0xffff) * 2 ** 32 + a });
};
