/**
 * The job on engines that people might pick instead, each as far as it installs here: Quix Streams (Python) and goka (Go), beside
 * ours on the same alerts.
 *
 * Invariant: what a peer leaves out of the job stands in its result, and a peer that cannot be had is in the result with the reason.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lifecycleEventSchema } from '../../schemas/avro.ts';
import type { Benchmark, BenchmarkContext, Result } from '../suite/benchmark.ts';
import { createTopic } from '../support/cluster.ts';
import { fill } from '../throughput/compare.ts';
import { lastJsonLine, runOurs, type Run, type RunOptions } from '../throughput/engines.ts';
import { readOutputs, type Outputs } from '../throughput/outputs.ts';

interface Peer {
  readonly name: string;
  readonly guarantee: string;
  readonly leavesOut: string;
  /** Makes the program in a folder of its own and answers the command that starts it. */
  readonly build: (directory: string) => readonly [command: string, ...args: string[]];
}

const here = import.meta.dirname;
const PARTITIONS = 4;
const rawSchema = join(here, '../../schemas/raw-alert.avsc');
const eventSchema = join(here, 'peer-event.avsc');

const sh = (command: string, args: readonly string[], cwd: string): void => {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
};

const peers: readonly Peer[] = [
  {
    name: 'quix',
    guarantee: 'exactly once',
    leavesOut: 'timers, known alert ids',
    build: (directory) => {
      sh('python3', ['-m', 'venv', 'venv'], directory);
      sh(join(directory, 'venv/bin/pip'), ['install', '-q', '-r', join(here, 'quix/requirements.txt')], directory);
      return [join(directory, 'venv/bin/python'), join(here, 'quix/peer.py')];
    },
  },
  {
    name: 'goka',
    guarantee: 'at least once',
    leavesOut: 'transactions, timers, open alerts, known alert ids',
    build: (directory) => {
      const program = join(directory, 'goka');
      sh('go', ['build', '-o', program, '.'], join(here, 'goka'));
      return [program];
    },
  },
];

async function measure(
  { client, say }: BenchmarkContext,
  options: RunOptions,
  avsc: string,
  run: () => Promise<Run>,
): Promise<{ run: Run; outputs: Outputs }> {
  await createTopic(client, options.output, PARTITIONS);
  const measured = await run();
  const outputs = await readOutputs(client, options.output, PARTITIONS, avsc);
  say(`${options.app}: ${measured.recordsPerSecond} alerts/s, ${measured.cpuSeconds} s CPU, ${outputs.events} events`);
  return { run: measured, outputs };
}

const argumentsOf = ({ brokers, input, output, app, count }: RunOptions, state: string): string[] => [
  ...[`--brokers=${brokers}`, `--input=${input}`, `--output=${output}`, `--app=${app}`, `--count=${count}`],
  ...[`--raw-schema=${rawSchema}`, `--event-schema=${eventSchema}`, `--state=${state}`],
];

async function runPeer(context: BenchmarkContext, peer: Peer, options: RunOptions, expected: Outputs): Promise<Result> {
  const { name, guarantee, leavesOut } = peer;
  const directory = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  try {
    const [command, ...args] = peer.build(directory);
    const { run, outputs } = await measure(context, options, readFileSync(eventSchema, 'utf8'), () =>
      lastJsonLine(command, [...args, ...argumentsOf(options, join(directory, 'state'))]),
    );
    const equalOutputs = outputs.events === expected.events && outputs.digest === expected.digest;
    return { guarantee, leavesOut, ...run, events: outputs.events, equalOutputs };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.say(`${name} cannot be measured here: ${reason}`);
    return { guarantee, leavesOut, unavailable: reason };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export const otherPeers: Benchmark = {
  name: 'otherPeers',
  shows: 'alerts per second of Quix Streams and goka beside ours',
  run: async (context) => {
    // A tiny run installs nothing: it is there to see that our side and the input still work.
    const [count, drivers] = context.size === 'tiny' ? [2_000, 200] : [200_000, 50_000];
    const prefix = `bench-peers-${Date.now()}-`;
    const input = await fill(context, prefix, { count, drivers, partitions: PARTITIONS });
    const optionsOf = (name: string): RunOptions => ({
      ...{ brokers: context.addresses.kafka, prefix, input, output: `${prefix}${name}`, app: `${prefix}${name}-app` },
      ...{ count, threads: 1 },
    });
    const ours = optionsOf('ours');
    const { run, outputs } = await measure(context, ours, lifecycleEventSchema.avsc, () => runOurs(ours));
    const results: Record<string, Result> = { ours: { ...run, events: outputs.events } };
    if (context.size === 'full') {
      for (const peer of peers) results[peer.name] = await runPeer(context, peer, optionsOf(peer.name), outputs);
    }
    return { alerts: count, engines: results };
  },
};
