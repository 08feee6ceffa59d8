/**
 * Decides what time does to an incident: the next tier of its escalation, or that a resolved one is forgotten here.
 *
 * Invariant: an event's time is the due time, whenever the timer comes by, so a replay makes the same event. The answer never leaves
 * the state due as it was.
 */
import { climb, type Ladder } from './escalation-ladder.ts';
import { step, type Step } from './incident-events.ts';
import type { IncidentState } from './incident-state.ts';
import { incidentTransition } from './lifecycle.ts';

export type DueDecision =
  | { readonly kind: 'step'; readonly step: Step }
  /** Somebody has it in hand: the clock lets go of it. */
  | { readonly kind: 'stop'; readonly state: IncidentState }
  /** The read model keeps it; alerts of its fingerprints open another one. */
  | { readonly kind: 'forget' };

export const decideDue = (state: IncidentState): DueDecision => {
  const { incident, ladder } = state;
  if (incident.status === 'RESOLVED') return { kind: 'forget' };
  const transition = incidentTransition(incident.status, 'ESCALATE');
  if (ladder === null || !('next' in transition)) {
    return { kind: 'stop', state: { ...state, ladder: null, dueAtMs: null } };
  }
  return { kind: 'step', step: escalate(state, ladder) };
};

const escalate = (state: IncidentState, ladder: Ladder): Step => {
  const { tier, number, round, dueMs, rest } = climb(ladder);
  const incident = { ...state.incident, tier: number, assignee: tier.assignee ?? state.incident.assignee };
  const after = { ...state, incident, ladder: rest, dueAtMs: rest?.dueAtMs ?? null };
  return step(state, after, {
    eventType: 'ESCALATED',
    reason: 'not_acknowledged',
    atMs: dueMs,
    tier: number,
    details: { policyId: ladder.policyId, round },
  });
};
