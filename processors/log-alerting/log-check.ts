/**
 * Which logs can be evaluated at all.
 *
 * Invariant: a log that passes is counted in the partition of its service and fits the tables. One that does not goes to the dead
 * letters with the field, its value and what is allowed.
 */
import { isLogLevel, LOG_LEVELS, type LogEvent } from '../../schemas/log-event.ts';
import { ProcessingError } from '../../streams/errors.ts';
import { quoteValue } from '../rule-fields.ts';
import { isServiceName, MAX_SERVICE_LENGTH } from './rule-draft.ts';

const MAX_STATUS_CODE = 999;

/** Throws a `ProcessingError` with the code `INVALID_LOG`. `key` is the record's key. */
export function checkLogEvent(key: string, { service, level, statusCode, responseTime }: LogEvent): void {
  if (!isServiceName(service)) {
    throw invalid(`service is ${quoteValue(service)}`, `allowed are 1 to ${MAX_SERVICE_LENGTH} characters`);
  }
  if (key !== service) {
    throw invalid(
      `the record's key is ${quoteValue(key)} and service is ${quoteValue(service)}`,
      'the key must be the service, so that all logs of a service meet in one partition',
    );
  }
  if (!isLogLevel(level)) throw invalid(`level is ${quoteValue(level)}`, `allowed is one of ${LOG_LEVELS.join(', ')}`);
  if (statusCode !== null && (statusCode < 0 || statusCode > MAX_STATUS_CODE)) {
    throw invalid(`statusCode is ${statusCode}`, `allowed is 0 to ${MAX_STATUS_CODE}`);
  }
  if (responseTime !== null && !(responseTime >= 0 && Number.isFinite(responseTime))) {
    throw invalid(`responseTime is ${responseTime}`, 'allowed are milliseconds that are not negative');
  }
}

const invalid = (problem: string, allowed: string): ProcessingError =>
  new ProcessingError('INVALID_LOG', `The log cannot be evaluated: ${problem}; ${allowed}.`);
