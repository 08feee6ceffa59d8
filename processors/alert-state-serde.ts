/**
 * The stored form of an alert's state.
 *
 * Invariant: what is read is equal to what was written. Statuses and severities are stored by their place in their list, so the
 * lists in `vocabulary.ts` may only grow at the end.
 */
import { ALERT_STATUSES, SEVERITIES, type AlertStatus, type Severity } from '../schemas/vocabulary.ts';
import type { Serde } from '../streams/serde.ts';
import type { AlertState, LivingAlert } from './alert-state.ts';
import { BinaryReader, BinaryWriter } from './binary.ts';

const VERSION = 1;

/** Bits of the second byte. */
const LIVING = 1;
const GIVEN_ID = 2;
const HAS_DUE = 4;

const statusIndex = new Map<AlertStatus, number>(ALERT_STATUSES.map((status, index) => [status, index]));
const severityIndex = new Map<Severity, number>(SEVERITIES.map((severity, index) => [severity, index]));

export function alertStateSerde(): Serde<AlertState> {
  const writer = new BinaryWriter();
  return {
    serialize: (_topic, state) => {
      writer.start(VERSION);
      if (state.kind === 'living') writeLiving(writer, state);
      else writer.byte(0).time(state.forgetAtMs).time(state.dueAtMs);
      return writer.finish();
    },
    deserialize: (_topic, data) => {
      const reader = new BinaryReader('alert state', data ?? new Uint8Array(), VERSION);
      const flags = reader.byte();
      if ((flags & LIVING) !== 0) return readLiving(reader, flags);
      return { kind: 'remembered', forgetAtMs: reader.time(), dueAtMs: reader.time() };
    },
  };
}

function writeLiving(writer: BinaryWriter, alert: LivingAlert): void {
  const due = alert.dueAtMs === undefined ? 0 : HAS_DUE;
  writer
    .byte(LIVING | (alert.givenId ? GIVEN_ID : 0) | due)
    .byte(statusIndex.get(alert.status) as number)
    .byte(severityIndex.get(alert.severity) as number)
    .varint(alert.sequence)
    .time(alert.timestampMs);
  if (alert.dueAtMs !== undefined) writer.time(alert.dueAtMs);
  writer.text(alert.driverId).text(alert.sourceType).text(alert.metadata);
}

function readLiving(reader: BinaryReader, flags: number): LivingAlert {
  const status = reader.oneOf(ALERT_STATUSES);
  const severity = reader.oneOf(SEVERITIES);
  const sequence = reader.varint();
  const timestampMs = reader.time();
  const dueAtMs = (flags & HAS_DUE) === 0 ? undefined : reader.time();
  return {
    kind: 'living',
    driverId: reader.text(),
    sourceType: reader.text(),
    severity,
    status,
    sequence,
    timestampMs,
    metadata: reader.text(),
    givenId: (flags & GIVEN_ID) !== 0,
    dueAtMs,
  };
}
