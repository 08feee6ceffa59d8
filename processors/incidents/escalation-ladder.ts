/**
 * The escalation of one incident: the tiers that were in force when it was opened, and how far up it is.
 *
 * Invariant: a ladder is a value of its own. The time of each tier follows from the time before and the delays kept here, so the
 * same steps come at the same event times whenever timers fire and whatever becomes of the policy.
 */
import type { EscalationPolicy, EscalationTier } from '../../schemas/escalation-policy.ts';

const MINUTE_MS = 60_000;

export interface Ladder {
  readonly policyId: string;
  readonly tiers: readonly EscalationTier[];
  readonly repeat: number;
  /** Times the tiers were gone through. */
  readonly round: number;
  /** Index of the tier that comes next. */
  readonly next: number;
  /** When it comes, UTC epoch milliseconds. */
  readonly dueAtMs: number;
}

export interface LadderStep {
  readonly tier: EscalationTier;
  /** From 1. */
  readonly number: number;
  /** From 1. */
  readonly round: number;
  readonly dueMs: number;
  /** What is left; null after the last step. */
  readonly rest: Ladder | null;
}

const delayMs = (tiers: readonly EscalationTier[], index: number): number =>
  Math.round((tiers[index]?.delayMinutes ?? 0) * MINUTE_MS);

/** Null without tiers. `fromMs`: when the incident was opened or reopened. */
export const startLadder = (policy: EscalationPolicy | undefined, fromMs: number): Ladder | null => {
  if (policy === undefined || policy.tiers.length === 0) return null;
  const { id, tiers, repeat } = policy;
  return { policyId: id, tiers, repeat, round: 0, next: 0, dueAtMs: fromMs + delayMs(tiers, 0) };
};

export const climb = (ladder: Ladder): LadderStep => {
  const { tiers, next, round, repeat, dueAtMs } = ladder;
  const atTop = next + 1 === tiers.length;
  const after = { next: atTop ? 0 : next + 1, round: atTop ? round + 1 : round };
  const rest = after.round > repeat ? null : { ...ladder, ...after, dueAtMs: dueAtMs + delayMs(tiers, after.next) };
  return { tier: tiers[next] as EscalationTier, number: next + 1, round: round + 1, dueMs: dueAtMs, rest };
};
