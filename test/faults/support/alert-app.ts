/**
 * The processes of the alert system on services of a test's own: any number of processors, a sink, a gateway, each started as an
 * operator would, with ports and folders of its own.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand, type ProcessCommand } from '../../../infra/local-stack/child-process.ts';
import { freePorts } from '../../../infra/local-stack/ports.ts';
import { httpStatus } from '../../../infra/local-stack/probes.ts';
import { projectRoot } from '../../../infra/local-stack/settings.ts';
import { ControlledProcess } from './controlled-process.ts';
import type { OwnServices } from './own-services.ts';

export interface AlertAppOptions {
  readonly rules: object;
  /** Where the processes find the database; it must be migrated or empty. */
  readonly mysqlUrl: string;
  readonly partitions?: number;
  readonly processors?: number;
  /** For every processor, over the defaults. */
  readonly processorEnvironment?: Readonly<Record<string, string>>;
  /** The folder of one processor's state; default: below the services' folder. */
  readonly dataDirOf?: (index: number) => string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SETUP_TIMEOUT_MS = 180_000;
/** The gateway is up when the whole path works. */
const READY_TIMEOUT_MS = 120_000;
const APPLICATION_ID = 'alerts-processor';

export const APPLICATION = { id: APPLICATION_ID, changelogs: ['alerts', 'recent-times'] } as const;

export interface LogLine {
  /** ISO 8601. */
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export class AlertApp {
  readonly processors: readonly ControlledProcess[];
  readonly sink: ControlledProcess;
  readonly gateway: ControlledProcess;
  readonly gatewayUrl: string;
  readonly #dataDirs: readonly string[];
  readonly #ports: readonly number[];

  private constructor(
    processes: { processors: readonly ControlledProcess[]; sink: ControlledProcess; gateway: ControlledProcess },
    gatewayUrl: string,
    dataDirs: readonly string[],
    ports: readonly number[],
  ) {
    this.processors = processes.processors;
    this.sink = processes.sink;
    this.gateway = processes.gateway;
    this.gatewayUrl = gatewayUrl;
    this.#dataDirs = dataDirs;
    this.#ports = ports;
  }

  /** Sets up topics, schemas, tables and rules; starts nothing yet. */
  static async prepare(services: OwnServices, options: AlertAppOptions): Promise<AlertApp> {
    const { processors: count = 1, partitions = 4, dataDirOf, processorEnvironment = {} } = options;
    const [gatewayPort, sinkPort, ...processorPorts] = (await freePorts(2 + count)) as [number, number, ...number[]];
    const folder = join(services.directory, 'app');
    mkdirSync(folder, { recursive: true });
    const rulesFile = join(folder, 'rules.json');
    writeFileSync(rulesFile, JSON.stringify(options.rules));
    const { addresses } = services;
    const environment: Environment = {
      ...process.env,
      ...{ KAFKA_BROKERS: addresses.kafka, SCHEMA_REGISTRY_URL: addresses.registry, MYSQL_URL: options.mysqlUrl },
      ...{ GATEWAY_PORT: String(gatewayPort), SINK_PORT: String(sinkPort), RULES_FILE: rulesFile },
      ...{ TOPIC_PREFIX: '', LOG_LEVEL: 'info', ALERT_PARTITIONS: String(partitions) },
      ...{ PROCESSOR_URL: `http://127.0.0.1:${processorPorts[0]}`, SINK_URL: `http://127.0.0.1:${sinkPort}` },
    };
    const app = (name: string, script: string, port: number, more: Environment = {}): ControlledProcess =>
      new ControlledProcess({
        name,
        command: commandOf(script, { ...environment, ...more }),
        logFile: join(folder, `${name}.log`),
        isReady: async () => (await httpStatus(`http://127.0.0.1:${port}/ready`)) === 200,
      });
    await setUp(commandOf('setup', environment));
    const dataDirs = processorPorts.map((_, index) => dataDirOf?.(index) ?? join(folder, `processor-${index}`));
    const processors = processorPorts.map((port, index) =>
      app(`processor-${index}`, 'processor', port, {
        ...{ PROCESSOR_PORT: String(port), DATA_DIR: dataDirs[index] },
        ...processorEnvironment,
      }),
    );
    const sink = app('sink', 'sink', sinkPort);
    const gateway = app('gateway', 'gateway', gatewayPort);
    return new AlertApp({ processors, sink, gateway }, `http://127.0.0.1:${gatewayPort}`, dataDirs, processorPorts);
  }

  get processes(): readonly ControlledProcess[] {
    return [...this.processors, this.sink, this.gateway];
  }

  /** Where a processor keeps the state of a task. */
  stateOf(processor: number, taskId: string): string {
    return join(this.#dataDirs[processor] as string, 'state', APPLICATION_ID, taskId);
  }

  metricsUrl(processor: number): string {
    return `http://127.0.0.1:${this.#ports[processor]}/metrics`;
  }

  async start(): Promise<void> {
    for (const process of this.processes) await process.start();
    await this.ready();
  }

  /** Until every process that runs is ready. */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    for (const deadline = Date.now() + timeoutMs; ; await sleep(200)) {
      let waiting: ControlledProcess | undefined;
      for (const process of this.processes) {
        if (process.isRunning && !(await process.spec.isReady())) waiting = process;
      }
      if (waiting === undefined) return;
      if (Date.now() > deadline) throw waiting.failure(`is not ready after ${timeoutMs / 1000} s`);
    }
  }

  async stop(): Promise<void> {
    for (const process of this.processes) process.thaw();
    await Promise.all(this.processes.map((process) => process.kill()));
  }
}

const commandOf = (script: string, environment: Environment): ProcessCommand => ({
  command: process.execPath,
  args: ['--disable-warning=TimeoutNegativeWarning', join(projectRoot, 'bin', `${script}.ts`)],
  cwd: projectRoot,
  environment,
});

async function setUp(command: ProcessCommand): Promise<void> {
  const signal = AbortSignal.timeout(SETUP_TIMEOUT_MS);
  const { code, output } = await runCommand(command, { timeoutMs: SETUP_TIMEOUT_MS, signal });
  if (code !== 0) throw new Error(`The set-up step failed:\n${output}`);
}

/** The structured lines of a process' log, from a byte position on. */
export async function logLines(process: ControlledProcess, fromByte = 0): Promise<LogLine[]> {
  const text = (await readFile(process.spec.logFile)).subarray(fromByte).toString('utf8');
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      // The last line may be only half written.
      return [];
    }
  });
}
