/**
 * What is told to the outside about incidents, and the channels that it goes through: the closed vocabularies and the shapes that
 * the queue stores.
 *
 * Invariant: the word lists are the only place that spells the words.
 */
import type { IncidentSeverity } from './incident.ts';

export const CHANNEL_TYPES = ['webhook', 'slack', 'pagerduty', 'email'] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

export const NOTIFICATION_STATUSES = ['PENDING', 'DELIVERED', 'DEAD'] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

export const NOTIFICATION_TYPES = ['error_alert', 'error_alert_reopened', 'error_alert_escalated', 'test'] as const;
export type NotificationType = (typeof NOTIFICATION_TYPES)[number];

/** The body of a webhook, field by field. */
export interface NotificationPayload {
  readonly type: NotificationType;
  readonly service: string | null;
  readonly errorCount: number | null;
  readonly windowMinutes: number | null;
  /** ISO 8601 in UTC: when the incident was opened, or reopened the last time. */
  readonly triggeredAt: string;
  readonly incidentId: string;
  /** Only for escalations: the tier that was reached, from 1. */
  readonly tier?: number;
}

/** What a channel needs to tell it to a system or to people. */
export interface NotificationContent {
  readonly payload: NotificationPayload;
  readonly title: string;
  readonly severity: IncidentSeverity;
}

export interface Notification extends NotificationContent {
  /** The same on every attempt and every replay: receivers recognise repeats by it. */
  readonly id: string;
}

export interface NotificationChannel {
  readonly id: string;
  readonly name: string;
  readonly type: ChannelType;
  /** A URL for webhook and slack, a routing key for pagerduty, an address for email. */
  readonly target: string;
  /** Signs the bodies of a webhook; null for other types. */
  readonly secret: string | null;
  /** The channel that takes over while this one fails. */
  readonly fallbackId: string | null;
  readonly enabled: boolean;
  /** UTC epoch milliseconds. */
  readonly createdAtMs: number;
}
