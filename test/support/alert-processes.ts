/**
 * The alert system's own processes, started as an operator would, on the services of the environment: topics, database and
 * ports of their own, so that several run side by side.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type AlertProcess = 'processor' | 'sink' | 'notifier' | 'gateway';

const READY_TIMEOUT_MS = 90_000;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

export class AlertProcesses {
  readonly directory: string;
  readonly gatewayUrl: string;
  readonly topicPrefix: string;
  /** What the processes are told; for commands that are to find them. */
  readonly environment: NodeJS.ProcessEnv;
  readonly #running = new Map<AlertProcess, ChildProcess>();

  private constructor(directory: string, topicPrefix: string, environment: NodeJS.ProcessEnv) {
    this.directory = directory;
    this.topicPrefix = topicPrefix;
    this.gatewayUrl = `http://127.0.0.1:${environment['GATEWAY_PORT']}`;
    this.environment = environment;
  }

  /** Sets up topics, schemas, tables and rules; starts nothing yet. */
  static async prepare(topicPrefix: string, mysqlUrl: string, rules: object): Promise<AlertProcesses> {
    const directory = await mkdtemp(join(tmpdir(), 'alert-processes-'));
    const rulesFile = join(directory, 'rules.json');
    await writeFile(rulesFile, JSON.stringify(rules));
    const [gateway, processor, sink] = [await freePort(), await freePort(), await freePort()];
    const notifier = await freePort();
    const processes = new AlertProcesses(directory, topicPrefix, {
      ...process.env,
      TOPIC_PREFIX: topicPrefix,
      MYSQL_URL: mysqlUrl,
      RULES_FILE: rulesFile,
      DATA_DIR: join(directory, 'data'),
      GATEWAY_PORT: String(gateway),
      PROCESSOR_PORT: String(processor),
      SINK_PORT: String(sink),
      NOTIFIER_PORT: String(notifier),
      NOTIFIER_ALLOWED_NETWORKS: '127.0.0.0/8',
      PROCESSOR_URL: `http://127.0.0.1:${processor}`,
      SINK_URL: `http://127.0.0.1:${sink}`,
      LOG_LEVEL: 'info',
    });
    const setup = processes.#spawn('setup');
    const [code] = (await once(setup, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`The set-up step failed:\n${await processes.log('setup')}`);
    return processes;
  }

  start(...names: AlertProcess[]): void {
    for (const name of names) this.#running.set(name, this.#spawn(name));
  }

  /** Ends a process at once, as a crash would. */
  async kill(name: AlertProcess): Promise<void> {
    await this.#end(name, 'SIGKILL');
  }

  /** Ends a process in order; resolves with its exit code. */
  stop(name: AlertProcess): Promise<number | null> {
    return this.#end(name, 'SIGTERM');
  }

  /** Until the gateway says that the whole path works. */
  async ready(): Promise<void> {
    for (const deadline = Date.now() + READY_TIMEOUT_MS; ; await sleep(200)) {
      const answer = await fetch(`${this.gatewayUrl}/ready`).catch(() => undefined);
      if (answer?.status === 200) return;
      if (Date.now() > deadline) {
        const logs = await Promise.all((['processor', 'sink', 'gateway'] as const).map((name) => this.log(name)));
        throw new Error(`The system is not ready: ${await answer?.text()}\n${logs.join('\n').slice(-8_000)}`);
      }
    }
  }

  log(name: AlertProcess | 'setup'): Promise<string> {
    return readFile(join(this.directory, `${name}.log`), 'utf8').catch(() => '');
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name)));
    await rm(this.directory, { recursive: true, force: true });
  }

  async #end(name: AlertProcess, signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#running.get(name);
    if (child === undefined) return null;
    this.#running.delete(name);
    if (child.exitCode !== null) return child.exitCode;
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  #spawn(name: AlertProcess | 'setup'): ChildProcess {
    const entry = join(import.meta.dirname, `../../bin/${name}.ts`);
    const child = spawn(process.execPath, [entry], { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(this.directory, `${name}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    return child;
  }
}
