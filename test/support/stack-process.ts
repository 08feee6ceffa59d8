/**
 * `npm start -- --services-only` as a process of its own, and what can be stored in its services. Invariant: whatever a test
 * does to it, `end` leaves none of its processes behind.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { createConnection } from 'mysql2/promise';
import { portVariables, projectRoot } from '../../infra/local-stack/settings.ts';
import type { Addresses, PortName, StackPorts, StackSettings } from '../../infra/local-stack/settings.ts';
import { isAlive } from '../../infra/local-stack/process-identity.ts';
import { readStackRecord, stopLeftovers } from '../../infra/local-stack/state-file.ts';
import type { RecordedProcess } from '../../infra/local-stack/state-file.ts';
import { waitUntil } from '../../infra/local-stack/wait.ts';

const startTimeoutMs = 200_000;
const stopTimeoutMs = 60_000;

export class StackProcess {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  readonly #exited: Promise<number | null>;
  #output = '';

  constructor(settings: Pick<StackSettings, 'dataDir' | 'ports'>, ...options: string[]) {
    this.#dataDir = settings.dataDir;
    this.#child = spawn(process.execPath, [join(projectRoot, 'bin/start.ts'), '--services-only', ...options], {
      cwd: projectRoot,
      env: { ...environmentWithoutAddresses(), ...portsAsVariables(settings.ports), DATA_DIR: settings.dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (chunk: Buffer): void => void (this.#output += chunk.toString());
    this.#child.stdout?.on('data', collect);
    this.#child.stderr?.on('data', collect);
    this.#exited = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  get output(): string {
    return this.#output;
  }

  /** The services that run, as the data folder has them on record. */
  get processes(): readonly RecordedProcess[] {
    return readStackRecord(this.#dataDir)?.processes ?? [];
  }

  /** Waits for the table; returns where the services are. */
  async untilReady(): Promise<Addresses> {
    const isOver = (): boolean => this.#output.includes('Ready after') || this.#child.exitCode !== null;
    await waitUntil(isOver, { timeoutMs: startTimeoutMs, everyMs: 50, signal: AbortSignal.timeout(startTimeoutMs) });
    const addresses = readStackRecord(this.#dataDir)?.addresses;
    if (!this.#output.includes('Ready after') || addresses === undefined) {
      throw new Error(`The stack did not start:\n${this.#output}`);
    }
    return addresses;
  }

  /** The exit code; a process that does not end in time is killed, and fails the test by its signal. */
  async ends(): Promise<number | null> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs);
    const code = await this.#exited;
    clearTimeout(timer);
    return code;
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.ends();
  }

  /** Ends it and all it started, whatever state it is in. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop('SIGTERM');
    await stopLeftovers(this.#dataDir, AbortSignal.timeout(stopTimeoutMs));
  }
}

/** Waits until none of these processes is there. */
export async function areGone(processes: readonly RecordedProcess[]): Promise<boolean> {
  const signal = AbortSignal.timeout(stopTimeoutMs);
  return waitUntil(() => !processes.some(isAlive), { timeoutMs: 10_000, everyMs: 50, signal });
}

/** What is stored in the services of a stack. */
export interface StoredThings {
  readonly topics: readonly string[];
  readonly subjects: readonly string[];
  readonly rows: readonly string[];
}

/** Stores a topic, a schema and a row of this name. */
export async function store(addresses: Addresses, name: string): Promise<void> {
  const admin = adminOf(addresses);
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: name, numPartitions: 2 }], waitForLeaders: true });
  await admin.disconnect();
  const response = await fetch(`${addresses.registry}/subjects/${name}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify({ type: 'record', name: 'Stored', fields: [] }) }),
  });
  if (!response.ok) throw new Error(`The registry answers ${response.status}.`);
  const connection = await createConnection(addresses.mysql);
  await connection.query('CREATE TABLE IF NOT EXISTS stored (name VARCHAR(64) PRIMARY KEY)');
  await connection.execute('INSERT INTO stored VALUES (?)', [name]);
  await connection.end();
}

/** Reads what `store` stored, under all names. */
export async function stored(addresses: Addresses): Promise<StoredThings> {
  const admin = adminOf(addresses);
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__')).sort();
  await admin.disconnect();
  const subjects = ((await (await fetch(`${addresses.registry}/subjects`)).json()) as string[]).sort();
  const connection = await createConnection(addresses.mysql);
  await connection.query('CREATE TABLE IF NOT EXISTS stored (name VARCHAR(64) PRIMARY KEY)');
  const [rows] = await connection.query('SELECT name FROM stored ORDER BY name');
  await connection.end();
  return { topics, subjects, rows: (rows as { name: string }[]).map(({ name }) => name) };
}

const adminOf = (addresses: Addresses): ReturnType<Kafka['admin']> =>
  new Kafka({ brokers: addresses.kafka.split(','), logLevel: logLevel.NOTHING }).admin();

/** Without the addresses that the tests themselves run on, so that the stack starts services of its own. */
function environmentWithoutAddresses(): NodeJS.ProcessEnv {
  const { KAFKA_BROKERS: _brokers, SCHEMA_REGISTRY_URL: _registry, MYSQL_URL: _mysql, ...rest } = process.env;
  return rest;
}

function portsAsVariables(ports: StackPorts): Record<string, string> {
  const names = Object.keys(portVariables) as PortName[];
  return Object.fromEntries(names.map((name) => [portVariables[name].variable, String(ports[name])]));
}
