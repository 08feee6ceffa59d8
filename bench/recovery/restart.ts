/**
 * Recovery without wiping: a processor with a million open alerts in its state is killed under load and started again; then it
 * starts on an empty disk, and so does the Kafka Streams peer with the same input.
 *
 *     node bench/recovery/restart.ts [--alerts 1000000] [--drivers 50000] [--kills 3] [--threads 2] [--peer DIR]
 *
 * Prints what it does and, last, one line of JSON. Nothing here asserts a time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { progressSince } from '../../test/faults/support/progress.ts';
import { builtPeer, emptyDisk, restoreOf, runPeer } from './peer.ts';
import { folderBytes, Processors, restoreRate } from './processors.ts';

const { values } = parseArgs({
  options: {
    alerts: { type: 'string', default: '1000000' },
    drivers: { type: 'string', default: '50000' },
    kills: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    peer: { type: 'string' },
  },
});
const [alerts, drivers, kills, threads] = [values.alerts, values.drivers, values.kills, values.threads].map(Number) as [
  number,
  number,
  number,
  number,
];
const TRICKLE_PER_SECOND = 200;
const FIRST_EVENT_TIMEOUT_MS = 300_000;
const say = progressSince(Date.now(), 'restart');

const stateFolder = (processors: Processors): string => join(processors.app.stateOf(0, '0_0'), '..');

async function underTrickle<T>(processors: Processors, work: () => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const trickling = processors.trickle(TRICKLE_PER_SECOND, drivers, ending.signal);
  try {
    return await work();
  } finally {
    ending.abort();
    await trickling;
  }
}

/** Starts the processor; how long until every partition has a new committed event, and what was read for that. */
async function comeUp(processors: Processors) {
  const { first } = processors;
  const fromByte = processors.logBytes(first);
  const ends = await processors.eventEnds();
  const startedMs = Date.now();
  await first.start();
  const delays = await processors.firstEventsAfter(startedMs, ends, FIRST_EVENT_TIMEOUT_MS);
  const tasks = await processors.restored(first, fromByte);
  return {
    firstRecordMs: Math.min(...delays),
    everyPartitionMs: Math.max(...delays),
    restoredRecords: tasks.reduce((sum, { records }) => sum + records, 0),
    restoredBytes: tasks.reduce((sum, { bytes }) => sum + bytes, 0),
    restoreMs: Math.max(...tasks.map(({ durationMs }) => durationMs)),
    tasks,
  };
}

async function kill(processors: Processors, round: number) {
  return underTrickle(processors, async () => {
    await sleep(5_000 + Math.random() * 1_000);
    await processors.first.kill();
    const { tasks: _tasks, ...outcome } = await comeUp(processors);
    say(`kill ${round}: ${JSON.stringify(outcome)}`);
    await sleep(3_000);
    return outcome;
  });
}

async function coldStart(processors: Processors) {
  await processors.first.end();
  rmSync(stateFolder(processors), { recursive: true, force: true });
  const { tasks, ...outcome } = await underTrickle(processors, () => comeUp(processors));
  const cold = { ...outcome, recordsPerSecond: restoreRate(tasks) };
  say(`empty disk: ${JSON.stringify(cold)}`);
  return cold;
}

async function peerColdStart(processors: Processors, folder: string) {
  const stateDir = mkdtempSync(join(tmpdir(), 'bench-peer-state-'));
  const { client, partitions, services, topics } = processors;
  const output = 'peer-events';
  await client.admin().createTopics([{ name: output, partitions, config: { 'retention.ms': '-1' } }]);
  const options = {
    brokers: services.directBroker,
    input: topics.rawAlerts,
    output,
    application: 'peer',
    stateDir,
    threads,
  };
  try {
    const filled = await runPeer(folder, { ...options, count: alerts });
    say(`the peer went through the topic at ${filled.recordsPerSecond} alerts/s`);
    const changelogs = await processors.changelogs('peer', ['open-alerts', 'counts']);
    emptyDisk(stateDir);
    const cold = await underTrickle(processors, () => runPeer(folder, { ...options, count: 1 }));
    const restore = { ...restoreOf(cold.log), startToFirstRecordSeconds: cold.startToFirstRecordSeconds, changelogs };
    say(`the peer on an empty disk: ${JSON.stringify(restore)}`);
    return restore;
  } finally {
    emptyDisk(stateDir);
  }
}

const processors = await Processors.prepare({
  processors: 1,
  processorEnvironment: { STREAM_THREADS: String(threads) },
});
try {
  say(`producing ${alerts} alerts of ${drivers} drivers`);
  await processors.fill(alerts, drivers);
  await processors.first.start();
  await processors.consumed();
  const stateBytes = folderBytes(stateFolder(processors));
  const changelogs = await processors.changelogs();
  say(`${alerts} alerts are open; state ${stateBytes} bytes, changelogs ${JSON.stringify(changelogs)}`);
  const killed = [];
  for (let round = 0; round < kills; round++) killed.push(await kill(processors, round));
  const cold = await coldStart(processors);
  await processors.first.end();
  const peer = values.peer === undefined ? undefined : await peerColdStart(processors, builtPeer(values.peer));
  const settings = { alerts, drivers, threads, partitions: processors.partitions };
  console.log(JSON.stringify({ settings, stateBytes, changelogs, killed, cold, peer }));
} finally {
  await processors.stop();
}
