/**
 * The Avro files as values, each tied to its record type.
 *
 * Invariant: the text is the file's, so what is registered is what is under review here. Only serdes and the
 * set-up import this file; the record types stand apart from it and read nothing.
 */
import { readFileSync } from 'node:fs';
import type { AlertCommand } from './alert-command.ts';
import type { AlertRule } from './alert-rule.ts';
import type { CommandResult } from './command-result.ts';
import type { IncidentCommand } from './incident-command.ts';
import type { IncidentEvent } from './incident-event.ts';
import type { LifecycleEvent } from './lifecycle-event.ts';
import type { LogAlert } from './log-alert.ts';
import type { LogAlertRule } from './log-alert-rule.ts';
import type { LogErrorCount } from './log-error-count.ts';
import type { LogEvent } from './log-event.ts';
import type { RawAlert } from './raw-alert.ts';

/** An Avro schema whose values have the type `T`. */
export interface RecordSchema<T> {
  /** The record's name in the file. */
  readonly name: string;
  /** The schema as JSON text. */
  readonly avsc: string;
  /** Carries the type alone; there is never a value. */
  readonly recordType?: T;
}

const load = <T>(name: string, file: string): RecordSchema<T> => ({
  name,
  avsc: readFileSync(new URL(file, import.meta.url), 'utf8'),
});

export const rawAlertSchema = load<RawAlert>('RawAlert', './raw-alert.avsc');
export const lifecycleEventSchema = load<LifecycleEvent>('LifecycleEvent', './lifecycle-event.avsc');
export const alertRuleSchema = load<AlertRule>('AlertRule', './alert-rule.avsc');
export const alertCommandSchema = load<AlertCommand>('AlertCommand', './alert-command.avsc');
export const commandResultSchema = load<CommandResult>('CommandResult', './command-result.avsc');
export const incidentEventSchema = load<IncidentEvent>('IncidentEvent', './incident-event.avsc');
export const incidentCommandSchema = load<IncidentCommand>('IncidentCommand', './incident-command.avsc');
export const logEventSchema = load<LogEvent>('LogEvent', './log-event.avsc');
export const logAlertRuleSchema = load<LogAlertRule>('LogAlertRule', './log-alert-rule.avsc');
export const logAlertSchema = load<LogAlert>('LogAlert', './log-alert.avsc');
export const logErrorCountSchema = load<LogErrorCount>('LogErrorCount', './log-error-count.avsc');
