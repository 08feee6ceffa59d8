import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentOf, notificationId } from '../../../notifications/notification.ts';
import { INCIDENT_EVENT_TYPES } from '../../../schemas/incident.ts';
import { INCIDENT_ID, incidentEvent } from './support.ts';

describe('what is told about an incident', () => {
  it('is told when it is created, reopened or escalated, and never else', () => {
    const types = INCIDENT_EVENT_TYPES.map((eventType) => contentOf(incidentEvent({ eventType }))?.payload.type);
    expect(Object.fromEntries(INCIDENT_EVENT_TYPES.map((type, index) => [type, types[index]]))).toEqual({
      CREATED: 'error_alert',
      UPDATED: undefined,
      STATUS_CHANGED: undefined,
      REOPENED: 'error_alert_reopened',
      COMMENTED: undefined,
      ESCALATED: 'error_alert_escalated',
      CORRELATED: undefined,
    });
  });

  it('is the payload that webhooks were promised, in its order', () => {
    expect(JSON.stringify(contentOf(incidentEvent())?.payload)).toBe(
      '{"type":"error_alert","service":"auth-service","errorCount":25,"windowMinutes":10,' +
        `"triggeredAt":"2026-01-01T10:00:00.000Z","incidentId":"${INCIDENT_ID}"}`,
    );
  });

  it('names the tier of an escalation', () => {
    expect(contentOf(incidentEvent({ eventType: 'ESCALATED', tier: 2 }))?.payload.tier).toBe(2);
  });
});

describe('the id of a notification', () => {
  it('[INV-NOTIFY-KEY] is that of the event and the channel: same for the same, different for others', () => {
    const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom('a', 'b', ':', '1', '-') });
    fc.assert(
      fc.property(word, word, word, word, (event, channel, otherEvent, otherChannel) => {
        const id = notificationId(event, channel);
        expect(id).toMatch(/^[0-9a-f]{32}$/);
        const isSame = event === otherEvent && channel === otherChannel;
        expect(id === notificationId(otherEvent, otherChannel)).toBe(isSame);
      }),
    );
  });
});
