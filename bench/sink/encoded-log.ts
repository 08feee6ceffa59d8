/**
 * The sink's input of a benchmark: events as the processor writes them, already encoded, handed out by a consumer without a broker.
 *
 * Invariant: the same numbers give the same events; the benchmark measures the sink and the database, nothing before them.
 */
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import type { GroupConsumer, LogReader } from '../../connectors/log.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { lifecycleEventSchema } from '../../schemas/avro.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';

export const PARTITIONS = 4;
export const BATCH_RECORDS = 2_000;
const DRIVERS = 50_000;
const START_MS = Date.UTC(2026, 0, 1);

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Ids in time order, as the processor makes them. */
const alertIdOf = (ms: number, index: number): string => {
  const time = hex(ms, 12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(index % 4096, 3)}-8000-${hex(index, 12)}`;
};

export const eventOf = (index: number): LifecycleEvent => {
  const timestamp = START_MS + index * 3;
  const alertId = alertIdOf(timestamp, index);
  return {
    eventId: `${alertId}:1`,
    alertId,
    sequence: 1,
    eventType: 'CREATED',
    reason: 'below_count',
    oldStatus: null,
    newStatus: 'OPEN',
    driverId: `driver-${(index * 7919) % DRIVERS}`,
    sourceType: ['overspeed', 'feedback_negative', 'compliance'][index % 3] as string,
    severity: 'medium',
    timestamp,
    metadata: '{"reason":"below_count","src":"overspeed"}',
    alertTimestamp: timestamp,
    alertMetadata: '{"speed":121}',
  };
};

export const serde = avroSerde({ schema: lifecycleEventSchema, schemaId: 1 });

/** Encoded events by partition; the bench measures the sink, not a broker. */
export type EncodedLog = readonly (readonly Uint8Array[])[];

export const encode = (alerts: number): EncodedLog => {
  const log: Uint8Array[][] = Array.from({ length: PARTITIONS }, () => []);
  for (let index = 0; index < alerts; index += 1) {
    log[index % PARTITIONS]?.push(Uint8Array.from(serde.serialize('alert-events', eventOf(index)) as Uint8Array));
  }
  return log;
};

const topicPartitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'alert-events', partition }));

/** Hands out one batch of each partition per poll; calls back at the end. */
export const consumerOf = (log: EncodedLog, onEnd: () => void): GroupConsumer => {
  const positions = log.map(() => 0);
  return {
    rejoin: () => Promise.resolve(topicPartitions),
    poll: (timeoutMs) => {
      const batches = topicPartitions.flatMap(({ topic, partition }) => {
        const from = positions[partition] ?? 0;
        const values = log[partition] ?? [];
        const records = values.slice(from, from + BATCH_RECORDS).map((value, index) => ({
          offset: from + index,
          timestampMs: 0,
          key: null,
          value,
          headers: undefined,
        }));
        positions[partition] = from + records.length;
        const nextOffset = from + records.length;
        return records.length === 0
          ? []
          : [{ topic, partition, records, nextOffset, endOffset: values.length, logAppendTime: false }];
      });
      if (batches.length > 0) return Promise.resolve({ kind: 'records', batches });
      onEnd();
      return systemClock.sleep(Math.min(timeoutMs, 10)).then(() => ({ kind: 'records', batches }));
    },
    wakeup: () => undefined,
    committed: (partitions) => Promise.resolve(partitions.map(() => undefined)),
    seek: ({ partition }, offset) => {
      positions[partition] = offset;
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => Promise.resolve(),
  };
};

export const readerOf = (log: EncodedLog): LogReader => ({
  range: ({ partition }) => Promise.resolve({ beginning: 0, end: log[partition]?.length ?? 0 }),
  read: () => Promise.reject(new Error('unused')),
  follow: () => Promise.reject(new Error('unused')),
  close: () => Promise.resolve(),
});
