/**
 * Kafka as one process: a KRaft node that is broker and controller. Invariant: its data folder is formatted once, and every
 * later start finds the topics of the ones before.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { runCommand } from './child-process.ts';
import { freePort, isPortFree } from './ports.ts';
import { kafkaAnswers } from './probes.ts';
import type { ServiceProcess } from './supervised-process.ts';
import { StackFailure } from './stack-failure.ts';

export interface KafkaOptions {
  readonly java: string;
  /** Folder of the jars. */
  readonly binaries: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

const host = '127.0.0.1';

/** Writes the configuration, formats the data folder when it is bare, and describes the process. */
export async function prepareKafka(options: KafkaOptions): Promise<ServiceProcess> {
  const folder = join(options.dataDir, 'kafka');
  const properties = join(folder, 'server.properties');
  const logDir = join(folder, 'data');
  mkdirSync(folder, { recursive: true });
  const controllerPort = await chooseControllerPort(properties);
  writeFileSync(properties, renderServerProperties({ port: options.port, controllerPort, logDir }));
  if (!existsSync(join(logDir, 'meta.properties'))) await formatStorage(options, folder, properties);
  return {
    name: 'kafka',
    address: `${host}:${options.port}`,
    command: {
      command: options.java,
      args: [
        '-Xms256m',
        '-Xmx1g',
        '-XX:+ExitOnOutOfMemoryError',
        ...logging,
        ...classPath(options),
        'kafka.Kafka',
        properties,
      ],
      cwd: folder,
    },
    logFile: options.logFile,
    isReady: () => kafkaAnswers({ host, port: options.port }),
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 30_000,
  };
}

const logging = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
];

const classPath = (options: KafkaOptions): string[] => ['-cp', join(options.binaries, '*')];

export interface ServerProperties {
  readonly port: number;
  readonly controllerPort: number;
  readonly logDir: string;
}

/** The broker's configuration file; backslashes are doubled because the file format reads them as escapes. */
export function renderServerProperties({ port, controllerPort, logDir }: ServerProperties): string {
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${host}:${controllerPort}`,
    listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logDir.replaceAll('\\', '\\\\'),
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 4,
    'log.cleaner.dedupe.buffer.size': 33_554_432,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The controller's port in a configuration file. */
export function controllerPortIn(properties: string): number | undefined {
  const match = /^controller\.quorum\.voters=.*:(\d+)$/m.exec(properties);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The port of the run before when it is still free, so that a restart changes nothing. */
async function chooseControllerPort(properties: string): Promise<number> {
  const before = existsSync(properties) ? controllerPortIn(readFileSync(properties, 'utf8')) : undefined;
  return before !== undefined && (await isPortFree(before)) ? before : freePort();
}

async function formatStorage(options: KafkaOptions, folder: string, properties: string): Promise<void> {
  // Kafka takes any 16 bytes in this base64 form as the cluster's id, but it may not begin like an option.
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`;
  const args = ['-Xmx256m', '-XX:TieredStopAtLevel=1', ...classPath(options), 'kafka.tools.StorageTool', 'format'];
  const outcome = await runCommand(
    { command: options.java, args: [...args, '-t', clusterId, '-c', properties, '--ignore-formatted'], cwd: folder },
    { timeoutMs: 60_000, signal: options.signal },
  );
  if (outcome.code !== 0) {
    throw new StackFailure(
      `Kafka's data folder ${folder} could not be formatted; start with --fresh, or set DATA_DIR to another folder.\n` +
        outcome.output.trim(),
    );
  }
}
