/**
 * Runs one engine as a process of its own on an input topic and answers what it printed, with the memory it had at most.
 *
 * Invariant: an engine that fails or hangs is an error with the end of what it said, never a missing figure.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { peakResidentBytesOf } from '../support/machine.ts';

/** One run, measured from the first record on. */
export interface Run {
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** Of the engine's process from its start on. */
  readonly cpuSeconds: number;
  readonly startToFirstRecordSeconds: number;
  readonly peakResidentBytes?: number | undefined;
  readonly brokerCpuSeconds?: number | undefined;
}

export interface RunOptions {
  readonly brokers: string;
  readonly prefix: string;
  readonly input: string;
  readonly output: string;
  readonly app: string;
  readonly count: number;
  readonly threads: number;
  /** Ours alone: also wait until that many lifecycle events were made. */
  readonly events?: number;
}

const RUN_TIMEOUT_MS = 15 * 60_000;
const SAMPLE_MS = 500;

export const runOurs = (options: RunOptions): Promise<Run> => {
  const { brokers, prefix, input, output, app, count, threads, events } = options;
  return lastJsonLine(process.execPath, [
    ...['--disable-warning=TimeoutNegativeWarning', join(import.meta.dirname, 'ours.ts')],
    ...['--brokers', brokers, '--prefix', prefix, '--input', input, '--output', output, '--app', app],
    ...['--count', String(count), '--threads', String(threads), '--events', String(events ?? 0)],
  ]);
};

export interface PeerForm {
  /** The built Kafka Streams peer. */
  readonly directory: string;
  /** The file of the input's schema. */
  readonly rawSchema: string;
  readonly store: 'ring' | 'window';
}

export const runPeer = (options: RunOptions, { directory, rawSchema, store }: PeerForm): Promise<Run> => {
  const { brokers, input, output, app, count, threads } = options;
  return lastJsonLine('java', [
    ...['-Xmx2g', '-cp', `${directory}/target/classes:${directory}/target/lib/*`, 'AlertPeer'],
    ...[`--raw-schema=${rawSchema}`, `--event-schema=${directory}/LifecycleEvent.avsc`, `--brokers=${brokers}`],
    ...[`--input=${input}`, `--output=${output}`, `--app=${app}`, `--count=${count}`, `--store=${store}`],
    ...[`--threads=${threads}`, `--state=${directory}/state-${app}`],
  ]);
};

/** Runs a program and answers the last line of JSON that it printed. */
export async function lastJsonLine(command: string, args: readonly string[]): Promise<Run> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_TIMEOUT_MS });
  let peakResidentBytes: number | undefined;
  const sampling = setInterval(() => {
    peakResidentBytes = peakResidentBytesOf(child.pid) ?? peakResidentBytes;
  }, SAMPLE_MS);
  const [out, errors] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended(child)]).finally(() =>
    clearInterval(sampling),
  );
  const line = out
    .trim()
    .split('\n')
    .findLast((candidate) => candidate.startsWith('{'));
  if (line === undefined) throw new Error(`${command} printed no result:\n${out}\n${errors.slice(-2_000)}`);
  return { ...(JSON.parse(line) as Run), peakResidentBytes };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
