/**
 * Our side of the throughput comparison: one process that runs the escalation topology on stream threads until it has processed
 * `count` alerts (and made `events` lifecycle events), and prints one JSON line. Same measures as the Kafka Streams peer: from
 * the first record on, CPU seconds of the process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { COUNTERS, FIRST_RECORD, LIFECYCLE_EVENTS, PROCESSED, type OursThreadData } from './ours-counters.ts';

const { values } = parseArgs({
  options: {
    brokers: { type: 'string' },
    prefix: { type: 'string' },
    input: { type: 'string' },
    output: { type: 'string' },
    app: { type: 'string' },
    count: { type: 'string' },
    events: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
    grace: { type: 'string', default: '5000' },
  },
});
const need = (name: keyof typeof values): string => {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
};

const POLL_MS = 20;
const started = Date.now();
const threads = Number(values.threads);
const rows = Array.from(
  { length: threads },
  () => new Float64Array(new SharedArrayBuffer(COUNTERS * Float64Array.BYTES_PER_ELEMENT)),
);
const sum = (counter: number): number => rows.reduce((total, row) => total + (row[counter] ?? 0), 0);
const firstRecordMs = (): number => Math.min(...rows.map((row) => row[FIRST_RECORD] ?? 0).filter((ms) => ms > 0));

const workers = rows.map((counters, index) => {
  const workerData: OursThreadData = {
    name: `${need('app')}-${index}`,
    brokers: need('brokers').split(','),
    prefix: need('prefix'),
    input: need('input'),
    output: need('output'),
    app: need('app'),
    graceMs: Number(values.grace),
    threads,
    counters,
  };
  const worker = new Worker(new URL('./ours-thread.ts', import.meta.url), { workerData });
  worker.once('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  return worker;
});

const count = Number(need('count'));
const events = Number(values.events);
while (sum(PROCESSED) < count || sum(LIFECYCLE_EVENTS) < events) await sleep(POLL_MS);

const firstRecord = firstRecordMs();
const seconds = (Date.now() - firstRecord) / 1000;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    engine: 'ours',
    records: sum(PROCESSED),
    seconds,
    recordsPerSecond: Math.round(sum(PROCESSED) / seconds),
    cpuSeconds: Math.round((user + system) / 1e5) / 10,
    startToFirstRecordSeconds: (firstRecord - started) / 1000,
  }),
);
for (const worker of workers) worker.postMessage('stop');
