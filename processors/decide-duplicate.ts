/**
 * Decides whether an alert whose producer chose the id is a repeat.
 *
 * Invariant: an id is one alert from its first record until `rememberMs` of event time after its purge; a repeat in between
 * changes nothing, neither the alert nor the count.
 */
import type { AlertState } from './alert-state.ts';
import { isPast } from './quiet-keys.ts';

/** `known` is what the alert store holds under the id; `streamTimeMs` the task's highest event time, UTC epoch milliseconds. */
export function decideDuplicate(known: AlertState | undefined, streamTimeMs: number): 'duplicate' | 'first' {
  if (known === undefined) return 'first';
  return known.kind === 'remembered' && isPast(known.forgetAtMs, streamTimeMs) ? 'first' : 'duplicate';
}
