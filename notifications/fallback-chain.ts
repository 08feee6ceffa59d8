/**
 * A channel and those that take over while it fails.
 *
 * Invariant [INV-NOTIFY-FALLBACK]: one attempt asks each channel of the chain at most once, in order, and ends with the first that takes
 * the notification; circles in the configuration end where they would begin again.
 */
import type { NotificationChannel } from '../schemas/notification.ts';
import type { Failure } from './channel-guard.ts';
import type { FailureKind } from './delivery.ts';

/** Bounds the time of one attempt. */
export const MAX_CHAIN = 4;

/** The channels to ask, disabled ones left out. */
export const chainOf = (
  channelId: string,
  channels: ReadonlyMap<string, NotificationChannel>,
): readonly NotificationChannel[] => {
  const seen = new Set<string>();
  const chain: NotificationChannel[] = [];
  let next = channels.get(channelId);
  while (next !== undefined && !seen.has(next.id) && chain.length < MAX_CHAIN) {
    seen.add(next.id);
    if (next.enabled) chain.push(next);
    next = next.fallbackId === null ? undefined : channels.get(next.fallbackId);
  }
  return chain;
};

export type Attempt =
  | { readonly deliveredBy: string; readonly failure: Failure | undefined }
  | { readonly deliveredBy: undefined; readonly failure: Failure };

/** Of several failures the one that leaves most hope decides what happens next. */
const HOPE: readonly FailureKind[] = ['permanent', 'held', 'transient'];

const summed = (failures: readonly (readonly [NotificationChannel, Failure])[]): Failure | undefined => {
  if (failures.length === 0) return undefined;
  const kinds = failures.map(([, { kind }]) => HOPE.indexOf(kind));
  const reason = failures.map(([{ name }, failure]) => `${name}: ${failure.reason}`).join(' ');
  return { kind: HOPE[Math.max(...kinds)] ?? 'permanent', reason };
};

/** `send` resolves with why it failed, or undefined. */
export const attempt = async (
  chain: readonly NotificationChannel[],
  send: (channel: NotificationChannel) => Promise<Failure | undefined>,
): Promise<Attempt> => {
  const failures: (readonly [NotificationChannel, Failure])[] = [];
  for (const channel of chain) {
    const failure = await send(channel);
    if (failure === undefined) return { deliveredBy: channel.id, failure: summed(failures) };
    failures.push([channel, failure]);
  }
  const none: Failure = { kind: 'permanent', reason: 'The channel was removed or disabled, and it has no fallback.' };
  return { deliveredBy: undefined, failure: summed(failures) ?? none };
};
