/**
 * The Kafka Streams peer on the same input: once through the topic, then again on an empty disk, with what it says about its restore.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../infra/local-stack/settings.ts';

export interface PeerRunOptions {
  readonly brokers: string;
  readonly input: string;
  readonly output: string;
  readonly application: string;
  readonly stateDir: string;
  readonly count: number;
  readonly threads: number;
}

export interface PeerRun {
  readonly startToFirstRecordSeconds: number;
  readonly recordsPerSecond: number;
  /** Its log. */
  readonly log: string;
}

export interface PeerRestore {
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
}

const RUN_TIMEOUT_MS = 20 * 60_000;
const LOGGING = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.streams=info',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
];

/** Takes a built copy as it is, else builds one outside of the folder, which may be read-only. */
export function builtPeer(folder: string): string {
  if (existsSync(join(folder, 'target', 'classes', 'AlertPeer.class'))) return folder;
  const built = mkdtempSync(join(tmpdir(), 'bench-peer-'));
  cpSync(folder, built, { recursive: true });
  const goals = ['-q', '-B', 'compile', 'dependency:copy-dependencies', '-DoutputDirectory=target/lib'];
  execFileSync('mvn', goals, { cwd: built, stdio: ['ignore', 'ignore', 'inherit'] });
  return built;
}

/** Runs it until it has processed so many records. */
export async function runPeer(folder: string, options: PeerRunOptions): Promise<PeerRun> {
  const args = [
    ...['-Xmx2g', ...LOGGING, '-cp', `${folder}/target/classes:${folder}/target/lib/*`, 'AlertPeer'],
    ...[`--raw-schema=${join(projectRoot, 'schemas/raw-alert.avsc')}`, `--event-schema=${folder}/LifecycleEvent.avsc`],
    ...[`--brokers=${options.brokers}`, `--input=${options.input}`, `--output=${options.output}`, '--store=ring'],
    ...[`--app=${options.application}`, `--state=${options.stateDir}`],
    ...[`--count=${options.count}`, `--threads=${options.threads}`],
  ];
  const child = spawn('java', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const [out, log] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  const line = out.split('\n').findLast((candidate) => candidate.startsWith('{'));
  if (line === undefined) throw new Error(`The peer printed no result:\n${out}\n${log.slice(-4_000)}`);
  return { ...(JSON.parse(line) as Omit<PeerRun, 'log'>), log };
}

export const emptyDisk = (stateDir: string): void => rmSync(stateDir, { recursive: true, force: true });

/** From its log lines: how much it restored, from the first store's begin to the last one's end. */
export function restoreOf(log: string): PeerRestore {
  const lines = log.split('\n').map((line) => ({ atMs: Date.parse(`${line.slice(0, 23).replace(' ', 'T')}Z`), line }));
  const finished = lines.flatMap(({ atMs, line }) => {
    const found = /Finished restoring changelog \S+ to store \S+ with a total number of (\d+) records/.exec(line);
    return found === null ? [] : [{ atMs, records: Number(found[1]) }];
  });
  const began = lines.filter(({ line }) =>
    /Start restoring|Initialized changelog|Restoration in progress|restore-consumer.*Assigned/.test(line),
  );
  const records = finished.reduce((sum, store) => sum + store.records, 0);
  const beganMs = Math.min(...began.map(({ atMs }) => atMs).filter((atMs) => !Number.isNaN(atMs)));
  const seconds = (Math.max(...finished.map(({ atMs }) => atMs)) - beganMs) / 1000;
  return { records, seconds, recordsPerSecond: Math.round(records / seconds) };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
