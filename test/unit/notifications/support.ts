/** Incidents, channels and notifications to tell about. */
import type { IncidentEvent } from '../../../schemas/incident-event.ts';
import type { Notification, NotificationChannel } from '../../../schemas/notification.ts';

export const INCIDENT_ID = '0196b5a0-0000-7000-8000-000000000001';
export const TRIGGERED_MS = Date.UTC(2026, 0, 1, 10);

export const incidentEvent = (fields: Partial<IncidentEvent> = {}): IncidentEvent => {
  const { incidentId = INCIDENT_ID, sequence = 1 } = fields;
  return {
    eventId: `${incidentId}:${sequence}`,
    incidentId,
    sequence,
    eventType: 'CREATED',
    oldStatus: null,
    newStatus: 'OPEN',
    severity: 'P1',
    title: 'Too many errors',
    service: 'auth-service',
    ruleId: 'r1',
    alertId: 'a1',
    errorCount: 25,
    windowMinutes: 10,
    tier: null,
    assignee: null,
    actor: null,
    timestamp: TRIGGERED_MS,
    incident: JSON.stringify({ id: incidentId, version: sequence, triggeredAtMs: TRIGGERED_MS }),
    metadata: '{"reason":"alert"}',
    ...fields,
  };
};

export const channel = (id: string, fields: Partial<NotificationChannel> = {}): NotificationChannel => ({
  id,
  name: id,
  type: 'webhook',
  target: 'https://example.com/hook',
  secret: null,
  fallbackId: null,
  enabled: true,
  createdAtMs: 0,
  ...fields,
});

export const notification = (fields: Partial<Notification> = {}): Notification => ({
  id: '0123456789abcdef0123456789abcdef',
  payload: {
    type: 'error_alert',
    service: 'auth-service',
    errorCount: 25,
    windowMinutes: 10,
    triggeredAt: '2026-01-01T10:00:00.000Z',
    incidentId: INCIDENT_ID,
  },
  title: 'Too many errors',
  severity: 'P1',
  ...fields,
});
