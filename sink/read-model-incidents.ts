/**
 * Reads of the incidents for the edges: lists and the audit trail, as they are in the tables.
 *
 * Invariant: a page follows its cursor exactly: the order (time of opening, then id) never changes for an incident, so none is
 * skipped or shown twice while others come.
 */
import type { SqlRow, SqlStatements } from '../connectors/mysql/database.ts';
import type { Incident } from '../schemas/incident.ts';
import { decodeCursor, encodeCursor } from './read-model-cursor.ts';

export interface IncidentFilters {
  readonly status?: string | undefined;
  readonly severity?: string | undefined;
  readonly service?: string | undefined;
  readonly assignee?: string | undefined;
  /** Incidents that were opened in `[fromMs, toMs)`; UTC epoch milliseconds. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface IncidentPage {
  readonly incidents: readonly Incident[];
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined;
}

export interface StoredIncidentEvent {
  readonly eventId: string;
  readonly incidentId: string;
  readonly sequence: number;
  readonly eventType: string;
  readonly oldStatus: string | null;
  readonly newStatus: string;
  readonly severity: string;
  readonly service: string | null;
  readonly ruleId: string | null;
  readonly alertId: string | null;
  readonly tier: number | null;
  readonly assignee: string | null;
  readonly actor: string | null;
  readonly timestampMs: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Every call rejects with `DatabaseUnavailableError` in an outage. */
export interface IncidentReadModel {
  /** By opening, newest first. Rejects with `InvalidCursorError` for a cursor that no page gave. */
  list(filters: IncidentFilters, cursor: string | undefined, limit: number): Promise<IncidentPage>;
  /** Those that were opened or reopened last, newest first. */
  latest(limit: number): Promise<readonly Incident[]>;
  get(incidentId: string): Promise<Incident | undefined>;
  /** In the order they happened. */
  events(incidentId: string): Promise<readonly StoredIncidentEvent[]>;
}

/** This bounds what a flood of alerts or comments can make a caller read. */
const MAX_EVENTS = 10_000;

const EVENTS = `SELECT incident_id, sequence, event_type, old_status, new_status, severity, service, rule_id, alert_id, tier,
  assignee, actor, timestamp, metadata FROM incident_events WHERE incident_id = ? ORDER BY sequence LIMIT ${MAX_EVENTS}`;

const toIncident = (row: SqlRow): Incident => JSON.parse(row['document'] as string) as Incident;

const toEvent = (row: SqlRow): StoredIncidentEvent => ({
  eventId: `${row['incident_id'] as string}:${row['sequence'] as number}`,
  incidentId: row['incident_id'] as string,
  sequence: row['sequence'] as number,
  eventType: row['event_type'] as string,
  oldStatus: row['old_status'] as string | null,
  newStatus: row['new_status'] as string,
  severity: row['severity'] as string,
  service: row['service'] as string | null,
  ruleId: row['rule_id'] as string | null,
  alertId: row['alert_id'] as string | null,
  tier: row['tier'] as number | null,
  assignee: row['assignee'] as string | null,
  actor: row['actor'] as string | null,
  timestampMs: (row['timestamp'] as Date).getTime(),
  metadata: JSON.parse(row['metadata'] as string) as Readonly<Record<string, unknown>>,
});

type Condition = readonly [sql: string, value: unknown];

const conditionsOf = (filters: IncidentFilters, cursor: string | undefined): readonly Condition[] => {
  const { status, severity, service, assignee, fromMs, toMs } = filters;
  const conditions: Condition[] = [];
  const add = (sql: string, value: unknown): void => {
    if (value !== undefined) conditions.push([sql, value]);
  };
  add('status = ?', status);
  add('severity = ?', severity);
  add('service = ?', service);
  add('assignee = ?', assignee);
  add('created_at >= ?', fromMs === undefined ? undefined : new Date(fromMs));
  add('created_at < ?', toMs === undefined ? undefined : new Date(toMs));
  if (cursor !== undefined) {
    const { createdAtMs, alertId: incidentId } = decodeCursor(cursor);
    const createdAt = new Date(createdAtMs);
    // The first one alone lets the index begin at the cursor; the second leaves out what the page before ended with.
    add('created_at <= ?', createdAt);
    add('(created_at, incident_id) < (?)', [createdAt, incidentId]);
  }
  return conditions;
};

export const openIncidentReadModel = (database: SqlStatements): IncidentReadModel => ({
  async list(filters, cursor, limit) {
    const conditions = conditionsOf(filters, cursor);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
    const rows = await database.query(
      `SELECT document FROM incidents ${where} ORDER BY created_at DESC, incident_id DESC LIMIT ?`,
      [...conditions.map(([, value]) => value), limit + 1],
    );
    const incidents = rows.slice(0, limit).map(toIncident);
    const last = incidents.at(-1);
    const more = rows.length > limit && last !== undefined;
    return {
      incidents,
      nextCursor: more ? encodeCursor({ createdAtMs: last.createdAtMs, alertId: last.id }) : undefined,
    };
  },
  async latest(limit) {
    const sql = 'SELECT document FROM incidents ORDER BY triggered_at DESC, incident_id DESC LIMIT ?';
    return (await database.query(sql, [limit])).map(toIncident);
  },
  async get(incidentId) {
    const [row] = await database.query('SELECT document FROM incidents WHERE incident_id = ?', [incidentId]);
    return row === undefined ? undefined : toIncident(row);
  },
  async events(incidentId) {
    return (await database.query(EVENTS, [incidentId])).map(toEvent);
  },
});
