/**
 * Every lifecycle event as one line of the log, once it is in the tables.
 *
 * Invariant [INV-LOG-LIFECYCLE]: a line is written only after the transaction that stored its event and moved the position past it, so
 * an event is logged once, and not at all when the process dies between the two. Lines hold ids and words of the vocabulary; what
 * producers may write freely (metadata) never gets there.
 */
import { carrierOf, headerText, traceIdOf } from '../connectors/tracing/trace-headers.ts';
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { AppliedEvent, ApplyObserver } from './ports.ts';

export interface LifecycleLogOptions {
  readonly service: string;
  /** Takes whole lines, each with its end. */
  readonly write: (lines: string) => void;
  /** UTC epoch milliseconds. */
  readonly now: () => number;
}

/** The line's names are those of every log line; `duration_ms` is that of the event's batch. */
const toLine = (
  { record, event }: AppliedEvent<LifecycleEvent>,
  common: { readonly timestamp: string; readonly service: string; readonly duration_ms: number },
): string => {
  const { timestamp, service, duration_ms } = common;
  const carrier = carrierOf(record.headers);
  return JSON.stringify({
    level: 'info',
    timestamp,
    service,
    module: 'lifecycle',
    alert_id: event.alertId,
    driver_id: event.driverId,
    event_id: event.eventId,
    request_id: headerText(record.headers, 'x-request-id'),
    trace_id: carrier && traceIdOf(carrier),
    duration_ms,
    event_type: event.eventType,
    reason: event.reason,
    old_status: event.oldStatus,
    new_status: event.newStatus,
    source_type: event.sourceType,
    severity: event.severity,
    event_time: new Date(event.timestamp).toISOString(),
    message: event.eventType,
  });
};

/** One write for a batch, which costs its events a few microseconds each. */
export const lifecycleLog = ({ service, write, now }: LifecycleLogOptions): ApplyObserver<LifecycleEvent> => ({
  applied: (_at, events, startMs) => {
    if (events.length === 0) return;
    const nowMs = now();
    const common = { timestamp: new Date(nowMs).toISOString(), service, duration_ms: nowMs - startMs };
    write(events.map((event) => `${toLine(event, common)}\n`).join(''));
  },
});
