import { describe, expect, test } from 'vitest';
import {
  allowedFrom,
  INCIDENT_LIFECYCLE,
  type IncidentAction,
  incidentTransition,
} from '../../../../processors/incidents/lifecycle.ts';
import { INCIDENT_STATUSES } from '../../../../schemas/incident.ts';

const words = (action: IncidentAction): string[] =>
  INCIDENT_STATUSES.map((status) => {
    const cell = incidentTransition(status, action);
    if ('next' in cell) return `${cell.next} ${cell.event}`;
    return 'same' in cell ? 'same' : `refused: ${cell.refused}`;
  });

describe('[INV-INCIDENT-LIFECYCLE] the table of status and action', () => {
  test('has these cells, in OPEN, ACK and RESOLVED', () => {
    const actions = Object.keys(INCIDENT_LIFECYCLE.OPEN) as IncidentAction[];
    expect(Object.fromEntries(actions.map((action) => [action, words(action)]))).toEqual({
      SET_OPEN: ['same', 'refused: not_allowed', 'refused: not_allowed'],
      SET_ACK: ['ACK STATUS_CHANGED', 'same', 'refused: not_allowed'],
      SET_RESOLVED: ['RESOLVED STATUS_CHANGED', 'RESOLVED STATUS_CHANGED', 'same'],
      ALERT: ['OPEN UPDATED', 'ACK UPDATED', 'OPEN REOPENED'],
      CORRELATE: ['OPEN CORRELATED', 'ACK CORRELATED', 'refused: resolved'],
      COMMENT: ['OPEN COMMENTED', 'ACK COMMENTED', 'RESOLVED COMMENTED'],
      ESCALATE: ['OPEN ESCALATED', 'refused: in_hand', 'refused: resolved'],
    });
  });

  test('names the statuses that may be asked for', () => {
    expect(INCIDENT_STATUSES.map(allowedFrom)).toEqual([['ACK', 'RESOLVED'], ['RESOLVED'], []]);
  });
});
