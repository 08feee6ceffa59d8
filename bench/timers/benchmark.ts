/**
 * What timers cost: the same alerts once with no timer due and once with every timer due, which closes every alert.
 *
 * Invariant: both runs process the same alerts under rules that differ in nothing but when an alert closes, and the run counts only when
 * every alert was closed.
 */
import type { Benchmark, BenchmarkContext } from '../suite/benchmark.ts';
import { createTopic, produceAlerts } from '../support/cluster.ts';
import { rounded } from '../support/statistics.ts';
import { seedRules } from '../throughput/compare.ts';
import { runOurs, type Run } from '../throughput/engines.ts';

const PARTITIONS = 4;
const MINUTE_MS = 60_000;
/** The alerts end this long ago, so that what is to close has to close now. */
const AGE_MINUTES = 60;
const DUE_AFTER_MINUTES = 1;
const NOT_DUE_AFTER_MINUTES = 100_000;

/** More alerts than any driver has; the most that a rule may ask for. */
const NEVER_REACHED = 1_000;

/** Nothing escalates and nothing is purged, so a timer is all that can follow an alert. */
const rulesClosingAfter = (minutes: number): string => {
  const rule = { escalate_if_count: NEVER_REACHED, window_mins: 1, auto_close_after_mins: minutes };
  return JSON.stringify({
    overspeed: rule,
    feedback_negative: rule,
    compliance: rule,
    retention: { purge_after_mins: NOT_DUE_AFTER_MINUTES },
  });
};

async function runWith(context: BenchmarkContext, count: number, closeAfterMinutes: number): Promise<Run> {
  const { client, addresses, say } = context;
  const prefix = `bench-timers-${Date.now()}-`;
  const [input, output] = [`${prefix}raw-alerts`, `${prefix}alert-events`];
  for (const topic of [input, output]) await createTopic(client, topic, PARTITIONS);
  for (const topic of ['alert-rules', 'dead-letters']) await createTopic(client, `${prefix}${topic}`, 1);
  await seedRules(context, `${prefix}alert-rules`, rulesClosingAfter(closeAfterMinutes));
  const spanMs = 10 * MINUTE_MS;
  const startMs = Date.now() - AGE_MINUTES * MINUTE_MS - spanMs;
  await produceAlerts(client, input, PARTITIONS, { count, drivers: 50_000, startMs, spanMs, jitterMs: 3_000 });
  const events = closeAfterMinutes === DUE_AFTER_MINUTES ? 2 * count : count;
  const run = await runOurs({
    ...{ brokers: addresses.kafka, prefix, input, output, app: `${prefix}app`, count, threads: 1, events },
  });
  say(`${events - count} timers fired: ${run.cpuSeconds} s CPU, ${rounded(run.seconds)} s`);
  return run;
}

export const timers: Benchmark = {
  name: 'timers',
  shows: 'what a timer costs that fires, all of them firing',
  run: async (context) => {
    const count = context.size === 'tiny' ? 1_000 : 500_000;
    const noneDue = await runWith(context, count, NOT_DUE_AFTER_MINUTES);
    const allDue = await runWith(context, count, DUE_AFTER_MINUTES);
    return {
      alerts: count,
      noneDue,
      allDue,
      cpuMicrosPerTimer: rounded(((allDue.cpuSeconds - noneDue.cpuSeconds) / count) * 1e6),
      timersAndAlertsPerSecond: Math.round((2 * count) / allDue.seconds),
    };
  },
};
