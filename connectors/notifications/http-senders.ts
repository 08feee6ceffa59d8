/**
 * The channels that are HTTP: webhook, Slack and PagerDuty.
 *
 * Invariant: every request carries the id of the notification, in the way that its receiver recognises repeats by.
 */
import { createHmac } from 'node:crypto';
import type { Notification } from '../../schemas/notification.ts';
import { guardedPost, type PostOptions } from './guarded-post.ts';
import { type Sender, summaryOf } from './sender.ts';

export interface HttpSenderOptions extends PostOptions {
  /** UTC epoch milliseconds. */
  readonly now: () => number;
  /** Where PagerDuty takes events. */
  readonly pagerdutyUrl: string;
}

const JSON_HEADERS = { 'content-type': 'application/json', 'user-agent': 'alert-escalation' };

/** `t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>", hexadecimal>`. A receiver checks it and refuses times long past. */
export const signatureOf = (secret: string, body: string, nowMs: number): string => {
  const seconds = Math.floor(nowMs / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
};

export const webhookSender =
  (options: HttpSenderOptions): Sender =>
  (to, notification, signal) => {
    const body = JSON.stringify(notification.payload);
    const signed: Readonly<Record<string, string>> =
      to.secret === null ? {} : { 'x-alerts-signature': signatureOf(to.secret, body, options.now()) };
    const headers = { ...JSON_HEADERS, 'idempotency-key': notification.id, ...signed };
    return guardedPost(options, { url: to.target, headers, body }, signal);
  };

/** Slack reads `&`, `<` and `>` as the beginnings of links and mentions. */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Slack's webhooks know no repeats; the id stands in the message for people to see one. */
export const slackSender =
  (options: HttpSenderOptions): Sender =>
  (to, notification, signal) => {
    const { incidentId } = notification.payload;
    const text = `${slackText(summaryOf(notification))}\nIncident ${incidentId}, notification ${notification.id}`;
    return guardedPost(options, { url: to.target, headers: JSON_HEADERS, body: JSON.stringify({ text }) }, signal);
  };

const PAGERDUTY_SEVERITIES = { P1: 'critical', P2: 'error', P3: 'warning' } as const;
const MAX_SUMMARY = 1_024;

/** Events API v2: all that is said about one incident goes into one alert there. */
const pagerdutyEvent = (routingKey: string, notification: Notification) => ({
  routing_key: routingKey,
  event_action: 'trigger',
  dedup_key: notification.payload.incidentId,
  payload: {
    summary: summaryOf(notification).slice(0, MAX_SUMMARY),
    source: notification.payload.service ?? 'incidents',
    severity: PAGERDUTY_SEVERITIES[notification.severity],
    timestamp: notification.payload.triggeredAt,
    custom_details: { ...notification.payload, notificationId: notification.id },
  },
});

export const pagerdutySender =
  (options: HttpSenderOptions): Sender =>
  (to, notification, signal) => {
    const body = JSON.stringify(pagerdutyEvent(to.target, notification));
    return guardedPost(options, { url: options.pagerdutyUrl, headers: JSON_HEADERS, body }, signal);
  };
