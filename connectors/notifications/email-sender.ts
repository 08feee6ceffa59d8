/**
 * The channel that is email, through the mail server of the operator.
 *
 * Invariant: the Message-ID is made from the id of the notification, so that mail programs show a repeat once. Addresses and texts go
 * through the library's own encoding: nothing that a producer wrote becomes a header.
 */
import { createTransport } from 'nodemailer';
import type { Notification } from '../../schemas/notification.ts';
import { DeliveryError, type Sender, summaryOf } from './sender.ts';

export interface EmailOptions {
  /** Such as `smtps://user:password@mail.example.com`; undefined: there is no mail server. */
  readonly smtpUrl: string | undefined;
  readonly from: string;
  /** For each step of the conversation. */
  readonly timeoutMs: number;
}

const MAX_SUBJECT = 200;

const bodyOf = ({ id, payload, title, severity }: Notification): string =>
  [
    title,
    '',
    `Severity: ${severity}`,
    `Service: ${payload.service ?? '-'}`,
    ...(payload.errorCount === null ? [] : [`Count: ${payload.errorCount} in ${payload.windowMinutes ?? '?'} minutes`]),
    `Triggered at: ${payload.triggeredAt}`,
    `Incident: ${payload.incidentId}`,
    `Notification: ${id}`,
  ].join('\n');

/** 5xx answers are final by the rules of SMTP. */
const failureOf = (cause: unknown): DeliveryError => {
  const { responseCode, code } = cause as { readonly responseCode?: number; readonly code?: string };
  const reason = responseCode === undefined ? (code ?? 'unknown') : `answer ${responseCode}`;
  return new DeliveryError(`The mail server did not take the message: ${reason}.`, {
    permanent: responseCode !== undefined && responseCode >= 500,
    cause,
  });
};

/** The library cannot be stopped within a message; its own time-outs end the connection soon after. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

export const emailSender = ({ smtpUrl, from, timeoutMs }: EmailOptions): Sender => {
  if (smtpUrl === undefined) {
    const message = 'There is no mail server; set SMTP_URL for the notifier.';
    return () => Promise.reject(new DeliveryError(message, { permanent: true }));
  }
  return async (to, notification, signal) => {
    const timeouts = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };
    const transport = createTransport({ url: smtpUrl, ...timeouts, disableFileAccess: true, disableUrlAccess: true });
    const sending = transport.sendMail({
      from,
      to: { name: '', address: to.target },
      subject: summaryOf(notification).slice(0, MAX_SUBJECT),
      text: bodyOf(notification),
      messageId: `<${notification.id}@notifications>`,
    });
    try {
      await Promise.race([sending, aborted(signal)]);
    } catch (cause) {
      throw failureOf(cause);
    } finally {
      transport.close();
    }
  };
};
