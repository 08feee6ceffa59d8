/**
 * What somebody asks of an incident: the record on `incident-commands`, keyed by incidentId (UTF-8), in the partition that the
 * incident's id names.
 *
 * Invariant: the same fields, in the same order, as incident-command.avsc.
 */
import type { FieldTable } from './field-table.ts';

export const INCIDENT_COMMAND_TYPES = ['CREATE', 'SET_STATUS', 'COMMENT'] as const;
export type IncidentCommandType = (typeof INCIDENT_COMMAND_TYPES)[number];

export interface IncidentCommand {
  /** The result carries it. */
  readonly commandId: string;
  readonly commandType: IncidentCommandType;
  readonly incidentId: string;
  /** SET_STATUS: the status wanted. */
  readonly status: string | null;
  /** The incident must be at this version, or nothing happens; null: at any. */
  readonly expectedVersion: number | null;
  /** CREATE, as the fields down to `assignee`. */
  readonly title: string | null;
  readonly description: string | null;
  readonly severity: string | null;
  readonly service: string | null;
  readonly assignee: string | null;
  /** COMMENT: what is said. */
  readonly text: string | null;
  readonly actor: string | null;
  /** When it was asked for, UTC epoch milliseconds. */
  readonly timestamp: number;
}

export const INCIDENT_COMMAND_FIELDS = {
  commandId: 'string',
  commandType: 'string',
  incidentId: 'string',
  status: 'string?',
  expectedVersion: 'int?',
  title: 'string?',
  description: 'string?',
  severity: 'string?',
  service: 'string?',
  assignee: 'string?',
  text: 'string?',
  actor: 'string?',
  timestamp: 'long:timestamp-millis',
} as const satisfies FieldTable<IncidentCommand>;
