/**
 * Which active incident a related alert joins.
 *
 * Invariant: a pure function of the alert, the incidents of its place and the declared dependencies. Of several that fit, one of
 * the same service goes before one of a dependency, then the one seen last, then the lowest id; so a replay chooses alike.
 */
import type { Incident } from '../../schemas/incident.ts';
import type { Signal } from './signal.ts';

/** Whether one of two services depends on the other, directly or through others. */
export type AreRelated = (a: string, b: string) => boolean;

export interface Correlation {
  readonly incident: Incident;
  readonly reason: 'same_service' | 'dependency';
  /** The service of the incident that relates the alert to it. */
  readonly via: string;
}

const relate = (signal: Signal, incident: Incident, areRelated: AreRelated): Correlation | undefined => {
  if (incident.services.includes(signal.service)) return { incident, reason: 'same_service', via: signal.service };
  const via = incident.services.find((service) => areRelated(signal.service, service));
  return via === undefined ? undefined : { incident, reason: 'dependency', via };
};

const rank = ({ reason }: Correlation): number => (reason === 'same_service' ? 0 : 1);

/** `windowMs`: how far apart in time alerts of one incident may be; 0: nothing is brought together. */
export const correlate = (
  signal: Signal,
  active: readonly Incident[],
  areRelated: AreRelated,
  windowMs: number,
): Correlation | undefined =>
  active
    .filter(({ lastSeenAtMs }) => windowMs > 0 && Math.abs(signal.atMs - lastSeenAtMs) <= windowMs)
    .flatMap((incident) => relate(signal, incident, areRelated) ?? [])
    .sort(
      (a, b) =>
        rank(a) - rank(b) ||
        b.incident.lastSeenAtMs - a.incident.lastSeenAtMs ||
        (a.incident.id < b.incident.id ? -1 : 1),
    )[0];
