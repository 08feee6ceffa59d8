/**
 * The tables of the incidents, as the sink writes them.
 *
 * Invariant: applying events twice, or those of a stretch of the log again, leaves the tables as they were: an incident is its
 * event with the highest sequence number, and an event is known by incident and sequence. Rows and position change together.
 */
import type { MysqlDatabase, SqlStatements } from '../../connectors/mysql/database.ts';
import type { IncidentEvent } from '../../schemas/incident-event.ts';
import type { Incident } from '../../schemas/incident.ts';
import type { SinkTables } from '../ports.ts';
import { claimPosition, type PositionChange } from '../positions.ts';
import { chunkRows, type SqlValues, toDatetime } from '../sql-rows.ts';

const INCIDENT_COLUMNS = [
  'status',
  'severity',
  'service',
  'assignee',
  'fingerprint',
  'created_at',
  'triggered_at',
  'updated_at',
  'document',
  // Last, since assignments run from left to right and the others are guarded by it.
  'sequence',
] as const;

const UPSERT_INCIDENTS = `INSERT INTO incidents (incident_id, ${INCIDENT_COLUMNS.join(', ')}) VALUES ?
  ON DUPLICATE KEY UPDATE ${INCIDENT_COLUMNS.map(
    (column) => `${column} = IF(VALUES(sequence) > incidents.sequence, VALUES(${column}), incidents.${column})`,
  ).join(', ')}`;

/** Not INSERT IGNORE, which would also turn a refused value into a silently changed one. */
const INSERT_EVENTS = `INSERT INTO incident_events (incident_id, sequence, event_type, old_status, new_status, severity,
  service, rule_id, alert_id, tier, assignee, actor, timestamp, metadata) VALUES ?
  ON DUPLICATE KEY UPDATE incident_id = incident_events.incident_id`;

const incidentValues = (incident: Incident, document: string): SqlValues => [
  incident.id,
  incident.status,
  incident.severity,
  incident.service,
  incident.assignee,
  incident.fingerprint,
  toDatetime(incident.createdAtMs),
  toDatetime(incident.triggeredAtMs),
  toDatetime(incident.updatedAtMs),
  document,
  incident.version,
];

const eventValues = (event: IncidentEvent): SqlValues => [
  event.incidentId,
  event.sequence,
  event.eventType,
  event.oldStatus,
  event.newStatus,
  event.severity,
  event.service,
  event.ruleId,
  event.alertId,
  event.tier,
  event.assignee,
  event.actor,
  toDatetime(event.timestamp),
  event.metadata,
];

/** The last event of each incident in the batch. */
const latest = (events: readonly IncidentEvent[]): readonly IncidentEvent[] => {
  const byIncident = new Map<string, IncidentEvent>();
  for (const event of events) {
    if ((byIncident.get(event.incidentId)?.sequence ?? 0) < event.sequence) byIncident.set(event.incidentId, event);
  }
  return [...byIncident.values()];
};

const changeRows = async (sql: SqlStatements, statement: string, rows: readonly SqlValues[]): Promise<void> => {
  for (const chunk of chunkRows(rows)) await sql.change(statement, [chunk]);
};

const apply = async (
  database: MysqlDatabase,
  events: readonly IncidentEvent[],
  position: PositionChange,
): Promise<Readonly<Record<string, number>>> => {
  const incidents = latest(events);
  await database.transaction(async (sql) => {
    await claimPosition(sql, position);
    const rows = incidents.map(({ incident }) => incidentValues(JSON.parse(incident) as Incident, incident));
    await changeRows(sql, UPSERT_INCIDENTS, rows);
    await changeRows(sql, INSERT_EVENTS, events.map(eventValues));
  });
  return { incidents: incidents.length, incident_events: events.length };
};

/** Widths of the columns, in characters. */
const MAX_LENGTHS = { service: 255, ruleId: 255, alertId: 255, assignee: 255, actor: 255 } as const;

const documentOf = (event: IncidentEvent): Partial<Incident> | undefined => {
  try {
    return JSON.parse(event.incident) as Partial<Incident>;
  } catch {
    return undefined;
  }
};

const problemWith = (event: IncidentEvent): string | undefined => {
  if (event.eventId !== `${event.incidentId}:${event.sequence}`) return 'its eventId is not <incidentId>:<sequence>';
  const incident = documentOf(event);
  if (incident?.id !== event.incidentId || incident.version !== event.sequence) return 'it does not carry its incident';
  for (const [field, most] of Object.entries(MAX_LENGTHS)) {
    const length = event[field as keyof typeof MAX_LENGTHS]?.length ?? 0;
    if (length > most) return `its ${field} has ${length} characters, at most ${most} fit`;
  }
  return undefined;
};

export const incidentTables: SinkTables<IncidentEvent> = { nameOf: ({ eventId }) => eventId, problemWith, apply };
