/**
 * Runs one engine as a process of its own on an input topic and answers what it printed.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Run {
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly cpuSeconds: number;
  readonly startToFirstRecordSeconds: number;
  readonly residentBytes?: number;
}

export interface RunOptions {
  readonly brokers: string;
  readonly prefix: string;
  readonly input: string;
  readonly output: string;
  readonly app: string;
  readonly count: number;
}

const RUN_TIMEOUT_MS = 15 * 60_000;

export const runOurs = ({ brokers, prefix, input, output, app, count }: RunOptions): Promise<Run> =>
  lastJsonLine(process.execPath, [
    join(import.meta.dirname, 'ours.ts'),
    ...['--brokers', brokers, '--prefix', prefix, '--input', input, '--output', output, '--app', app],
    ...['--count', String(count)],
  ]);

/** `directory`: the built Kafka Streams peer. `rawSchema`: the file of the input's schema. */
export const runPeer = (
  { brokers, input, output, app, count }: RunOptions,
  directory: string,
  rawSchema: string,
  store: 'ring' | 'window',
): Promise<Run> =>
  lastJsonLine('java', [
    ...['-Xmx2g', '-cp', `${directory}/target/classes:${directory}/target/lib/*`, 'AlertPeer'],
    ...[`--raw-schema=${rawSchema}`, `--event-schema=${directory}/LifecycleEvent.avsc`, `--brokers=${brokers}`],
    ...[`--input=${input}`, `--output=${output}`, `--app=${app}`, `--count=${count}`, `--store=${store}`],
    ...['--threads=1', `--state=${directory}/state-${app}`],
  ]);

async function lastJsonLine(command: string, args: readonly string[]): Promise<Run> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_TIMEOUT_MS });
  const [out, errors] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended(child)]);
  const line = out
    .trim()
    .split('\n')
    .findLast((candidate) => candidate.startsWith('{'));
  if (line === undefined) throw new Error(`${command} printed no result:\n${out}\n${errors.slice(-2_000)}`);
  return JSON.parse(line) as Run;
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const ended = (child: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
