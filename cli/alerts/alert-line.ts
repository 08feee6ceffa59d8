/**
 * One line of input as a raw alert.
 *
 * Invariant: what becomes an alert here is one that the processor decides on; numbers in the metadata keep the text they were
 * written with.
 */
import { JsonTextError, parseExactJson } from '../../gateway/alerts/exact-json.ts';
import { timestampParser } from '../../gateway/alerts/timestamp.ts';
import { checkRawAlert } from '../../processors/raw-alert-check.ts';
import type { RawAlert } from '../../schemas/raw-alert.ts';

/** The line cannot be used; the message says why. */
export class AlertLineError extends Error {}

export const ALERT_FIELDS = ['driverId', 'sourceType', 'severity', 'timestamp', 'metadata', 'alertId'] as const;

type Fields = Readonly<Record<string, unknown>>;

const inUtc = timestampParser('UTC');

/** A line of JSON. `nowMs` is the time of an alert that has none. Throws `AlertLineError`. */
export function alertOfJson(line: string, nowMs: number): RawAlert {
  const fields = parsed(line);
  if (!isObject(fields)) throw new AlertLineError('is not a JSON object');
  const metadata = fields['metadata'] ?? {};
  if (!isObject(metadata)) throw new AlertLineError('metadata must be a JSON object');
  return alertOf({ ...fields, metadata: JSON.stringify(metadata) }, nowMs);
}

/** A row of CSV under its header; an empty cell counts as left out. Throws `AlertLineError`. */
export function alertOfCells(header: readonly string[], cells: readonly string[], nowMs: number): RawAlert {
  if (cells.length !== header.length) {
    throw new AlertLineError(`has ${cells.length} cells; the first row has ${header.length}`);
  }
  const fields = Object.fromEntries(header.map((name, index) => [name, cells[index] || undefined]));
  return alertOf({ ...fields, metadata: fields['metadata'] ?? '{}' }, nowMs);
}

/** `metadata` is JSON text already. */
function alertOf(fields: Fields, nowMs: number): RawAlert {
  const unknown = Object.keys(fields).filter((name) => !(ALERT_FIELDS as readonly string[]).includes(name));
  if (unknown.length > 0) throw new AlertLineError(`has unknown fields: ${unknown.join(', ')}`);
  const alertId = fields['alertId'] ?? null;
  const alert: RawAlert = {
    alertId: alertId === null ? null : textOf(fields, 'alertId'),
    driverId: textOf(fields, 'driverId'),
    sourceType: textOf(fields, 'sourceType'),
    severity: textOf(fields, 'severity').toLowerCase(),
    timestamp: fields['timestamp'] === undefined ? nowMs : timeOf(fields['timestamp']),
    metadata: textOf(fields, 'metadata'),
  };
  try {
    return checkRawAlert(alert.driverId, alert);
  } catch (error) {
    throw new AlertLineError((error as Error).message, { cause: error });
  }
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw new AlertLineError(value === undefined ? `${name} is missing` : `${name} must be a text`);
}

function timeOf(value: unknown): number {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const time = inUtc(text);
  if (!time.ok) throw new AlertLineError(`timestamp ${time.problem}`);
  return time.epochMs;
}

function parsed(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new AlertLineError(error.message, { cause: error });
  }
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
