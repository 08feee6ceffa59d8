/**
 * The alert that a rule raises, and the fingerprint that tells which alerts are the same.
 *
 * Invariant: everything of an alert follows from the rule, the service, the window and the event time, so a replay makes the same
 * one under the same id. The id has the shape of a UUIDv7 and sorts by event time.
 */
import type { LogAlert } from '../../schemas/log-alert.ts';
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import type { PreparedRule } from './prepared-rule.ts';

/** Rule, resource and severity. Rule ids and severities hold no colon. */
export const fingerprintOf = ({ id, severity }: LogAlertRule, service: string): string =>
  `${id}:${severity}:${service}`;

/** 32 bits of FNV-1a with a last mix, from one of several starting points. */
function hash32(text: string, start: number): number {
  let hash = (0x811c9dc5 ^ start) >>> 0;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** 48 bits of time, 74 of hash. Two alerts of a fingerprint never share a time, so only the fingerprint is hashed. */
export function alertIdOf(fingerprint: string, triggeredAtMs: number): string {
  const time = hex(triggeredAtMs, 12);
  const [a, b, c] = [hash32(fingerprint, 1), hash32(fingerprint, 2), hash32(fingerprint, 3)];
  const variant = hex(0x8000 | (a & 0x3fff), 4);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(a >>> 20, 3)}-${variant}-${hex(b, 8)}${hex(c & 0xffff, 4)}`;
}

export interface AlertFacts {
  readonly service: string;
  readonly count: number;
  readonly value: number;
  /** UTC epoch milliseconds; the end is exclusive. */
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly triggeredAtMs: number;
}

const LABEL: Readonly<Record<LogAlertRule['type'], string>> = {
  ERROR_THRESHOLD: 'errors',
  LATENCY: 'slow requests',
  ERROR_RATE: 'errors',
  SERVER_ERROR: 'server errors',
  ABSENCE: 'logs',
};

const rounded = (value: number): string => String(Math.round(value * 100) / 100);

export function logAlertOf({ rule }: PreparedRule, facts: AlertFacts): LogAlert {
  const { service, count, value, windowStartMs, windowEndMs, triggeredAtMs } = facts;
  const fingerprint = fingerprintOf(rule, service);
  const finite = Number.isFinite(value) ? value : 0;
  const what = `${count} ${LABEL[rule.type]} of ${service} in ${rounded(rule.windowMinutes)} min`;
  return {
    alertId: alertIdOf(fingerprint, triggeredAtMs),
    fingerprint,
    ruleId: rule.id,
    ruleName: rule.name,
    ruleType: rule.type,
    service,
    severity: rule.severity,
    count,
    value: finite,
    threshold: rule.threshold,
    windowMinutes: rule.windowMinutes,
    cooldownMinutes: rule.cooldownMinutes,
    windowStart: windowStartMs,
    windowEnd: windowEndMs,
    triggeredAt: triggeredAtMs,
    message: `${rule.name}: ${what} (${rule.condition}: ${rounded(finite)}, threshold ${rounded(rule.threshold)})`,
  };
}
