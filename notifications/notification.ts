/**
 * Which incident events are told to the outside, and what is said.
 *
 * Invariant [INV-NOTIFY-KEY]: the id of a notification depends on the event and the channel alone, so that the same event, however
 * often it is read, is the same notification.
 */
import { createHash } from 'node:crypto';
import type { IncidentEvent } from '../schemas/incident-event.ts';
import type { Incident, IncidentEventType } from '../schemas/incident.ts';
import type { NotificationContent, NotificationType } from '../schemas/notification.ts';

/** An escalated driver alert is told as the incident that its policy opens. */
const TYPES: Readonly<Partial<Record<IncidentEventType, NotificationType>>> = {
  CREATED: 'error_alert',
  REOPENED: 'error_alert_reopened',
  ESCALATED: 'error_alert_escalated',
};

const ID_LENGTH = 32;

/** 32 hexadecimal digits. */
export const notificationId = (eventId: string, channelId: string): string =>
  createHash('sha256').update(`${channelId}/${eventId}`).digest('hex').slice(0, ID_LENGTH);

/** Undefined for an event that nobody is told about. */
export const contentOf = (event: IncidentEvent): NotificationContent | undefined => {
  const type = TYPES[event.eventType];
  if (type === undefined) return undefined;
  const { triggeredAtMs } = JSON.parse(event.incident) as Pick<Incident, 'triggeredAtMs'>;
  return {
    payload: {
      type,
      service: event.service,
      errorCount: event.errorCount,
      windowMinutes: event.windowMinutes,
      triggeredAt: new Date(triggeredAtMs).toISOString(),
      incidentId: event.incidentId,
      ...(event.eventType === 'ESCALATED' && event.tier !== null && { tier: event.tier }),
    },
    title: event.title,
    severity: event.severity,
  };
};
