/**
 * A rolling restart under load: three processors of several threads with one warm copy of each task, restarted in order one after
 * the other; then one of them is killed and stays away, so that the others take over from their warm copies.
 *
 *     node bench/recovery/rolling.ts [--partitions 6] [--threads 2] [--rate 240] [--seed N]
 *
 * Every event and row is compared with the model at the end, so a loss or a repetition fails the run. What it reports is the longest
 * pause of each partition: the largest gap between two events that the broker appended one after the other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { AuditedSystem } from '../../test/faults/support/audited-system.ts';
import { logLines } from '../../test/faults/support/alert-app.ts';
import type { ControlledProcess } from '../../test/faults/support/controlled-process.ts';
import { progressSince } from '../../test/faults/support/progress.ts';
import { Random, seedFrom } from '../../test/faults/support/random.ts';

const { values } = parseArgs({
  options: {
    partitions: { type: 'string', default: '6' },
    threads: { type: 'string', default: '2' },
    rate: { type: 'string', default: '240' },
    seed: { type: 'string' },
  },
});
const [partitions, threads, rate] = [values.partitions, values.threads, values.rate].map(Number) as [
  number,
  number,
  number,
];
const PROCESSORS = 3;
const CALM_MS = 10_000;
const AWAY_MS = 25_000;
const say = progressSince(Date.now(), 'rolling');

interface Stage {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Restored {
  readonly processor: string;
  readonly taskId: string;
  readonly records: number;
  readonly bytes: number;
  readonly durationMs: number;
}

const stages: Stage[] = [];

/** Takes the time of what it is given, with the calm after it. */
async function stage(name: string, work: () => Promise<void>): Promise<Stage> {
  const fromMs = Date.now();
  await work();
  await sleep(CALM_MS);
  const done = { name, fromMs, untilMs: Date.now() };
  stages.push(done);
  return done;
}

/** The longest gap between events of each partition, gaps that reach into the stage included. */
function pauses(system: AuditedSystem, { fromMs, untilMs }: Stage): number[] {
  const last = new Map<number, number>();
  const longest = new Map<number, number>();
  for (const { partition, appendedMs } of system.auditor.events) {
    const before = last.get(partition) ?? appendedMs;
    if (appendedMs >= fromMs && before <= untilMs) {
      longest.set(partition, Math.max(longest.get(partition) ?? 0, appendedMs - before));
    }
    last.set(partition, appendedMs);
  }
  return Array.from({ length: partitions }, (_, partition) => longest.get(partition) ?? Infinity);
}

async function restoredSince(system: AuditedSystem, { fromMs, untilMs }: Stage): Promise<Restored[]> {
  const all: Restored[] = [];
  for (const processor of system.app.processors) {
    for (const line of await logLines(processor)) {
      const atMs = Date.parse(line.timestamp);
      if (!/^Task \S+ restored$/.test(line.message) || atMs < fromMs || atMs > untilMs) continue;
      const { taskId, records, bytes, durationMs } = line as unknown as Restored;
      all.push({ processor: processor.name, taskId, records, bytes, durationMs });
    }
  }
  return all;
}

const random = new Random(values.seed === undefined ? seedFrom(process.env) : Number(values.seed));
say(`seed ${random.seed}`);
const system = await AuditedSystem.start({
  ...{ processors: PROCESSORS, partitions },
  processorEnvironment: { STREAM_THREADS: String(threads), STANDBY_REPLICAS: '1' },
});
try {
  say(`${PROCESSORS} processors of ${threads} threads run ${partitions} tasks, each with a warm copy`);
  const load = system.startLoad(random.derive(1), { alertsPerSecond: rate });
  await sleep(CALM_MS);
  await stage('calm', () => sleep(CALM_MS));
  for (const processor of system.app.processors) {
    const { fromMs, untilMs } = await stage(`restart of ${processor.name}`, async () => {
      const exit = await processor.end('SIGTERM');
      if (exit?.code !== 0) throw processor.failure(`ended with ${JSON.stringify(exit)}`);
      await processor.start();
      await system.app.ready();
    });
    say(`${processor.name} was restarted, ready again after ${untilMs - fromMs - CALM_MS} ms`);
  }
  const victim = system.app.processors[1] as ControlledProcess;
  const takeover = await stage(`kill of ${victim.name}`, async () => {
    await victim.kill();
    await sleep(AWAY_MS);
  });
  await victim.start();
  await system.app.ready();
  await load.stop();
  const verdict = await system.audit();
  say(`holds: ${verdict.alerts} alerts, ${verdict.events} events; own exits: ${system.ownExits.join(', ') || 'none'}`);
  const report = stages.map((one) => ({ stage: one.name, pauseMs: pauses(system, one) }));
  for (const { stage: name, pauseMs } of report) say(`${name}: longest pause per partition ${pauseMs.join(', ')} ms`);
  const fromWarmCopies = await restoredSince(system, takeover);
  for (const task of fromWarmCopies) {
    say(
      `takeover: ${task.processor} ${task.taskId}: ${task.records} records, ${task.bytes} bytes, ${task.durationMs} ms`,
    );
  }
  console.log(JSON.stringify({ partitions, threads, rate, ...verdict, stages: report, takeover: fromWarmCopies }));
} finally {
  await system.stop();
}
