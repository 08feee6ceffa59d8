/**
 * What an engine put out, as a digest that does not depend on order or ids: type, driver, source, severity and time of every event.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import avro from 'avsc';
import type { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import type { LogRange, LogReader, TopicPartition } from '../../streams/ports.ts';

export interface Outputs {
  readonly events: number;
  readonly digest: string;
}

interface ComparedEvent {
  readonly eventType: string;
  readonly driverId: string;
  readonly sourceType: string;
  readonly severity: string;
  readonly timestamp: number;
}

const FRAME_BYTES = 5;

/** Longer than a broker takes to write the markers of a transaction whose commit it has already answered. */
const SETTLED_MS = 500;

/** The range of committed records once it has stopped growing: a commit is answered before its records can be read. */
async function settledRange(reader: LogReader, partition: TopicPartition): Promise<LogRange> {
  for (let range = await reader.range(partition); ;) {
    await sleep(SETTLED_MS);
    const later = await reader.range(partition);
    if (later.end === range.end) return later;
    range = later;
  }
}

/** `avsc` is the engine's own event schema. */
export async function readOutputs(
  client: KafkaLogClient,
  topic: string,
  partitions: number,
  avsc: string,
): Promise<Outputs> {
  const type = avro.Type.forSchema(JSON.parse(avsc) as avro.Schema, { wrapUnions: 'never' });
  const reader = client.reader();
  const sum = new BigUint64Array(1);
  let events = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const { beginning, end } = await settledRange(reader, { topic, partition });
    await reader.read({ topic, partition }, beginning, end, ({ records }) => {
      for (const { value } of records) {
        const event = type.fromBuffer(Buffer.from(value ?? []).subarray(FRAME_BYTES)) as ComparedEvent;
        const { eventType, driverId, sourceType, severity, timestamp } = event;
        const text = [eventType, driverId, sourceType, severity, timestamp].join('|');
        // A sum of hashes is the same in any order and, unlike an exclusive or, counts repeats.
        sum[0] = (sum[0] ?? 0n) + createHash('md5').update(text).digest().readBigUInt64LE(0);
        events += 1;
      }
    });
  }
  await reader.close();
  return { events, digest: (sum[0] ?? 0n).toString(16) };
}
