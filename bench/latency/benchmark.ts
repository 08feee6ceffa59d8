/**
 * End to end: from when an alert was due to be produced until its event, and then its row, can be read, at fixed rates on the system's
 * own processes.
 *
 * Invariant: latencies count from the schedule, so a stall shows in every alert it delayed (no coordinated omission).
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { readRegistryConnection } from '../../connectors/config/services.ts';
import { openMysql } from '../../connectors/mysql/database.ts';
import { SchemaRegistryClient } from '../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { lifecycleEventSchema, rawAlertSchema } from '../../schemas/avro.ts';
import { AlertProcesses } from '../../test/support/alert-processes.ts';
import type { Benchmark, BenchmarkContext, Result } from '../suite/benchmark.ts';
import { inOwnDatabase } from '../support/database.ts';
import { summarizeLatencies } from '../support/statistics.ts';
import { observe } from './observe.ts';
import type { Offer } from './offer-data.ts';

const PARTITIONS = 4;
const START_DELAY_MS = 2_000;
/** How long after the last alert was due its row is waited for. */
const DRAIN_MS = 60_000;

interface Load {
  readonly rate: number;
  readonly seconds: number;
}

const LOADS: Readonly<Record<BenchmarkContext['size'], readonly Load[]>> = {
  full: [
    { rate: 1_000, seconds: 30 },
    { rate: 10_000, seconds: 30 },
    { rate: 30_000, seconds: 20 },
  ],
  tiny: [{ rate: 100, seconds: 2 }],
};

async function measure(context: BenchmarkContext, { rate, seconds }: Load): Promise<Result> {
  const { client, addresses, say } = context;
  const prefix = `bench-latency-${randomBytes(4).toString('hex')}-`;
  const rules = JSON.parse(readFileSync(join(import.meta.dirname, '../../rules.json'), 'utf8')) as object;
  return inOwnDatabase(addresses.mysql, async (mysqlUrl) => {
    const processes = await AlertProcesses.prepare(prefix, mysqlUrl, rules);
    const database = openMysql({ url: mysqlUrl, connectionLimit: 1 });
    try {
      processes.start('processor', 'sink', 'gateway');
      await processes.ready();
      const registry = new SchemaRegistryClient(readRegistryConnection(processes.environment));
      const topic = `${prefix}raw-alerts`;
      const schemaId = await registry.lookup(subjectOf(topic), rawAlertSchema);
      const eventTopic = `${prefix}alert-events`;
      const events = await registry.serdeFor(subjectOf(eventTopic), lifecycleEventSchema);
      const startMs = Date.now() + START_DELAY_MS;
      const offer: Offer = { brokers: addresses.kafka.split(','), topic, schemaId, rate, seconds, startMs };
      const count = rate * seconds;
      const deadlineMs = startMs + seconds * 1000 + DRAIN_MS;
      const watch = { client, database, topic: eventTopic, events, partitions: PARTITIONS, count, deadlineMs };
      const observed = await observe(watch, () => {
        new Worker(new URL('./offer.ts', import.meta.url), { workerData: offer });
      });
      const latencies = (seen: Float64Array): number[] =>
        Array.from(seen, (ms, index) => ms - (startMs + (index * 1000) / rate)).filter((ms) => !Number.isNaN(ms));
      const [event, row] = [latencies(observed.eventMs), latencies(observed.rowMs)].map(summarizeLatencies);
      say(`${rate}/s: event p50 ${event?.p50Ms}, p99 ${event?.p99Ms} ms; row p50 ${row?.p50Ms}, p99 ${row?.p99Ms} ms`);
      return { rate, seconds, offered: count, event, row };
    } finally {
      await database.close();
      await processes.close();
    }
  });
}

export const endToEndLatency: Benchmark = {
  name: 'latency',
  shows: 'produce → event readable → row readable at a fixed rate',
  run: async (context) => {
    const loads: Result[] = [];
    for (const load of LOADS[context.size]) loads.push(await measure(context, load));
    return { loads };
  },
};
