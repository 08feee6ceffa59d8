/**
 * The port to the world outside: one message to one channel.
 *
 * Invariant: what a sender resolves was accepted by the receiver; every rejection says whether a repeat can help.
 */
import type { Notification, NotificationChannel } from '../../schemas/notification.ts';

export type Recipient = Pick<NotificationChannel, 'target' | 'secret'>;

/** Rejects with `DeliveryError`; ends its work when the signal aborts. */
export type Sender = (to: Recipient, notification: Notification, signal: AbortSignal) => Promise<void>;

/** The message is for operators: it holds no target and no secret. */
export class DeliveryError extends Error {
  /** True when the same message will fail the same way again. */
  readonly permanent: boolean;

  constructor(message: string, options: { readonly permanent: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'DeliveryError';
    this.permanent = options.permanent;
  }
}

/** One line about what happened, for the receivers that are people. */
export const summaryOf = ({ payload, title, severity }: Notification): string => {
  const { type, service, errorCount, windowMinutes, tier } = payload;
  const about = {
    error_alert: 'New incident',
    error_alert_reopened: 'Incident reopened',
    error_alert_escalated: `Incident escalated to tier ${tier ?? '?'}`,
    test: 'Test notification',
  }[type];
  const counted = errorCount === null ? '' : ` (${errorCount} in ${windowMinutes ?? '?'} minutes)`;
  return `[${severity}] ${about}: ${service === null ? '' : `${service}: `}${title}${counted}`;
};
