/**
 * From the validated body of `POST /process-alert` to the record that goes on `raw-alerts`: the one place where they meet.
 *
 * Invariant: the same body, assigned id and arrival time give the same record; nothing else is consulted. Whatever becomes a
 * record here is one that the processor decides on: nothing that it would refuse is ever accepted.
 */
import type { RawAlert } from '../../schemas/raw-alert.ts';
import type { FieldProblem } from '../http/api-error.ts';
import { MAX_NAME_LENGTH } from '../http/schemas.ts';
import type { TimestampParser } from './timestamp.ts';

/** The body after JSON-schema validation. Numbers within the metadata are raw JSON values. */
export interface AlertRequest {
  readonly sourceType: string;
  readonly driverId: string;
  readonly severity: string;
  readonly timestamp?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly alertId?: string;
}

export interface AlertContext {
  /** Used where the body has none. */
  readonly assignedAlertId: string;
  /** UTC epoch milliseconds. */
  readonly arrivalMs: number;
  /** How far ahead of the arrival an alert's time may be, in milliseconds. */
  readonly futureSkewMs: number;
  readonly parseTimestamp: TimestampParser;
}

export type AlertOutcome =
  | { readonly ok: true; readonly alert: RawAlert & { readonly alertId: string } }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const refuse = (field: string, message: string): AlertOutcome => ({ ok: false, problems: [{ field, message }] });

/** What JSON schema cannot say: real dates, the future, names that are long in UTF-16 only. */
export const toRawAlert = (request: AlertRequest, context: AlertContext): AlertOutcome => {
  for (const field of ['sourceType', 'driverId'] as const) {
    if (request[field].length > MAX_NAME_LENGTH) return refuse(field, `is longer than ${MAX_NAME_LENGTH} UTF-16 units`);
  }
  const time =
    request.timestamp === undefined
      ? ({ ok: true, epochMs: context.arrivalMs } as const)
      : context.parseTimestamp(request.timestamp);
  if (!time.ok) return refuse('timestamp', time.problem);
  if (time.epochMs > context.arrivalMs + context.futureSkewMs) {
    return refuse('timestamp', `is more than ${context.futureSkewMs / 1000} s in the future`);
  }
  return {
    ok: true,
    alert: {
      alertId: request.alertId ?? context.assignedAlertId,
      driverId: request.driverId,
      sourceType: request.sourceType,
      severity: request.severity,
      timestamp: time.epochMs,
      metadata: JSON.stringify(request.metadata ?? {}),
    },
  };
};
