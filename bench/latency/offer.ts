/**
 * Offers alerts at a fixed rate, from a thread of its own so that measuring does not slow it down.
 *
 * Invariant: the schedule is fixed beforehand and never waits for the system: an alert that could not be sent in time counts from when
 * it was due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import { rawAlertSchema } from '../../schemas/avro.ts';
import { benchClient } from '../support/cluster.ts';
import { OFFERED_DRIVERS, offeredAlertId, type Offer } from './offer-data.ts';

const { brokers, topic, schemaId, rate, seconds, startMs } = workerData as Offer;

const SLICE_MS = 5;
/** Sends under way at most; beyond it alerts wait, and their latency shows it. */
const MAX_SENDS = 64;

const serde = avroSerde({ schema: rawAlertSchema, schemaId });
const client = benchClient(brokers, 'bench-offer');
const producer = client.plainProducer();
const total = rate * seconds;
const sends = new Set<Promise<unknown>>();

const recordOf = (index: number) => {
  const driverId = `bench-${(index * 7919) % OFFERED_DRIVERS}`;
  const alert = {
    alertId: offeredAlertId(index),
    driverId,
    sourceType: index % 3 === 0 ? 'compliance' : 'overspeed',
    severity: 'medium' as const,
    timestamp: Date.now(),
    metadata: '{"speed":121}',
  };
  return { topic, key: Buffer.from(driverId), value: Buffer.from(serde.serialize(topic, alert) ?? []) };
};

let next = 0;
while (next < total) {
  const due = Math.min(total, Math.floor(((Date.now() - startMs) * rate) / 1000));
  const records = [];
  while (next < due) records.push(recordOf(next++));
  if (records.length > 0) {
    if (sends.size >= MAX_SENDS) await Promise.race(sends);
    const sent: Promise<unknown> = producer.send(records).finally(() => sends.delete(sent));
    sends.add(sent);
  }
  await sleep(SLICE_MS);
}
await Promise.all(sends);
await producer.close();
await client.close();
parentPort?.postMessage('done');
