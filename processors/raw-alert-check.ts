/**
 * Which raw alerts can be decided at all.
 *
 * Invariant: an alert that passes is counted in the partition of its driver, fits the read model and carries valid JSON. One that
 * does not pass goes to the dead letters with the field, its value and what is allowed; nothing of it takes effect.
 */
import type { RawAlert } from '../schemas/raw-alert.ts';
import { isSeverity, SEVERITIES, type Severity } from '../schemas/vocabulary.ts';
import { ProcessingError } from '../streams/errors.ts';
import { EVENT_TIME_ALLOWED, isEventTime } from './event-time.ts';
import { isJsonObjectText } from './json-text.ts';
import { MAX_NAME_LENGTH, quoteValue } from './rule-fields.ts';

/** UTF-16 units. What is made of an alert (events, its state, a dead letter) then fits the log's limit of about a megabyte. */
export const MAX_METADATA_LENGTH = 262_144;

export type ValidAlert = RawAlert & { readonly severity: Severity };

/** Throws a `ProcessingError` with the code `INVALID_ALERT`. `key` is the record's key. */
export function checkRawAlert(key: string, alert: RawAlert): ValidAlert {
  const { alertId, driverId, sourceType, severity, timestamp, metadata } = alert;
  checkName('driverId', driverId);
  checkName('sourceType', sourceType);
  if (key !== driverId) {
    throw invalid(
      `the record's key is ${quoteValue(key)} and driverId is ${quoteValue(driverId)}`,
      'the key must be the driverId, so that all alerts of a driver meet in one partition',
    );
  }
  if (!isSeverity(severity)) {
    throw invalid(`severity is ${quoteValue(severity)}`, `allowed is one of ${SEVERITIES.join(', ')}`);
  }
  if (!isEventTime(timestamp)) throw invalid(`timestamp is ${timestamp}`, EVENT_TIME_ALLOWED);
  if (metadata.length > MAX_METADATA_LENGTH) {
    throw invalid(`metadata has ${metadata.length} characters`, `allowed are ${MAX_METADATA_LENGTH}`);
  }
  if (!isJsonObjectText(metadata)) {
    throw invalid(`metadata is ${quoteValue(metadata)}`, 'allowed is the text of a JSON object');
  }
  if (alertId !== null && !isAlertId(alertId)) {
    throw invalid(
      `alertId is ${quoteValue(alertId)}`,
      `allowed are 1 to ${MAX_NAME_LENGTH} letters, digits, ".", "_" and "-", or none`,
    );
  }
  return alert as ValidAlert;
}

function checkName(field: string, value: string): void {
  if (value.length > 0 && value.length <= MAX_NAME_LENGTH) return;
  throw invalid(`${field} is ${quoteValue(value)}`, `allowed are 1 to ${MAX_NAME_LENGTH} characters`);
}

/** Event ids are `<alertId>:<sequence>`, so an id must not hold a colon; it also stands in addresses. */
function isAlertId(id: string): boolean {
  if (id.length === 0 || id.length > MAX_NAME_LENGTH) return false;
  for (let index = 0; index < id.length; index++) {
    const code = id.charCodeAt(index);
    const lower = code | 0x20;
    const letter = lower >= 0x61 && lower <= 0x7a;
    const digit = code >= 0x30 && code <= 0x39;
    if (!letter && !digit && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return true;
}

const invalid = (problem: string, allowed: string): ProcessingError =>
  new ProcessingError('INVALID_ALERT', `The alert cannot be decided: ${problem}; ${allowed}.`);
