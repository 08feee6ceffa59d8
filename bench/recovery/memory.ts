/**
 * Memory under pressure: a processor goes through a topic with a million keys, and in the middle of it the broker stalls. What is
 * resident in memory is sampled all the while.
 *
 *     node bench/recovery/memory.ts [--keys 1000000] [--alerts 3000000] [--threads 2] [--stall 60] [--budget-mib 512]
 *
 * Prints what it does and, last, one line of JSON with the samples: seconds since the start, resident bytes, phase.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { progressSince } from '../../test/faults/support/progress.ts';
import { Processors } from './processors.ts';

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    alerts: { type: 'string', default: '3000000' },
    threads: { type: 'string', default: '2' },
    stall: { type: 'string', default: '60' },
    'budget-mib': { type: 'string', default: '512' },
  },
});
const [keys, alerts, threads, stallSeconds, budgetMib] = [
  ...[values.keys, values.alerts, values.threads, values.stall, values['budget-mib']].map(Number),
] as [number, number, number, number, number];
const MIB = 1024 * 1024;
const SAMPLE_MS = 1_000;
const BEFORE_STALL_MS = 15_000;
const say = progressSince(Date.now(), 'memory');

interface Sample {
  readonly second: number;
  readonly residentBytes: number;
  readonly phase: string;
}

/** Linux only: the process' own account of its resident memory, and the most it ever was. */
const statusOf = (pid: number, field: 'VmRSS' | 'VmHWM'): number => {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
};

const processors = await Processors.prepare({
  processors: 1,
  processorEnvironment: { STREAM_THREADS: String(threads), STATE_BUDGET_BYTES: String(budgetMib * MIB) },
});
const samples: Sample[] = [];
let phase = 'start';
let sampling = true;

async function sample(pid: number): Promise<void> {
  const startedMs = Date.now();
  while (sampling) {
    samples.push({
      second: Math.round((Date.now() - startedMs) / 1000),
      residentBytes: statusOf(pid, 'VmRSS'),
      phase,
    });
    await sleep(SAMPLE_MS);
  }
}

const peakOf = (name: string): number =>
  Math.round(Math.max(...samples.filter((one) => one.phase === name).map((one) => one.residentBytes)) / MIB);

try {
  say(`producing ${alerts} alerts of ${keys} drivers`);
  await processors.fill(alerts, keys);
  const { first, services } = processors;
  await first.start();
  const { pid } = first;
  if (pid === undefined) throw first.failure('does not run');
  const sampled = sample(pid);
  await first.becomesReady();
  phase = 'work';
  await sleep(BEFORE_STALL_MS);
  const before = (await processors.eventEnds()).reduce((sum, end) => sum + end, 0);
  services.broker.freeze();
  phase = 'stalled';
  say(`the broker stalls for ${stallSeconds} s, ${before} event offsets written so far`);
  await sleep(stallSeconds * 1_000);
  services.broker.thaw();
  phase = 'after';
  say('the broker goes on');
  await processors.consumed();
  await sleep(10_000);
  sampling = false;
  await sampled;
  const peaks = Object.fromEntries(['start', 'work', 'stalled', 'after'].map((name) => [name, peakOf(name)]));
  say(`peak of resident MiB by phase: ${JSON.stringify(peaks)}; state budget ${budgetMib} MiB`);
  const highest = Math.round(statusOf(pid, 'VmHWM') / MIB);
  const settings = { keys, alerts, threads, stallSeconds, budgetMib };
  console.log(JSON.stringify({ settings, peaksMib: peaks, highestMib: highest, ownExits: first.ownExits, samples }));
} finally {
  sampling = false;
  await processors.stop();
}
