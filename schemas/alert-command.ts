/**
 * What somebody asks of a driver alert: the record on `alert-commands`, keyed by driverId (UTF-8) as the alert is.
 *
 * Invariant: the same fields, in the same order, as alert-command.avsc.
 */
import type { FieldTable } from './field-table.ts';

export const ALERT_COMMAND_TYPES = ['ACKNOWLEDGE', 'RESOLVE', 'COMMENT'] as const;
export type AlertCommandType = (typeof ALERT_COMMAND_TYPES)[number];

export interface AlertCommand {
  /** The result carries it. */
  readonly commandId: string;
  readonly commandType: AlertCommandType;
  readonly alertId: string;
  readonly driverId: string;
  /** COMMENT: what is said. */
  readonly text: string | null;
  readonly actor: string | null;
  /** When it was asked for, UTC epoch milliseconds. */
  readonly timestamp: number;
  /**
   * Time of the latest event of the alert that the asker knew of. It is the command's event time: the stream has passed it, so
   * a command never moves stream time on.
   */
  readonly alertUpdatedAt: number;
}

export const ALERT_COMMAND_FIELDS = {
  commandId: 'string',
  commandType: 'string',
  alertId: 'string',
  driverId: 'string',
  text: 'string?',
  actor: 'string?',
  timestamp: 'long:timestamp-millis',
  alertUpdatedAt: 'long:timestamp-millis',
} as const satisfies FieldTable<AlertCommand>;
