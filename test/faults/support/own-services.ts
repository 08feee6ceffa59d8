/**
 * A broker, a schema registry and a database of one test's own, from the binaries of the local stack, on free ports and in a
 * folder that goes with them. Needs Java and Linux x64, as the local stack without Docker does.
 *
 * With proxies, the processes under test reach broker and database only through them: the broker advertises its proxy's address
 * to clients and keeps a listener of its own for what brokers tell each other. The auditor goes past the proxies.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { ensureArtefact } from '../../../infra/local-stack/artefact-cache.ts';
import { requireJava } from '../../../infra/local-stack/java.ts';
import { prepareKafka } from '../../../infra/local-stack/kafka.ts';
import { mysqlUrl, prepareMariadb } from '../../../infra/local-stack/mariadb.ts';
import { freePorts } from '../../../infra/local-stack/ports.ts';
import { prepareRegistry, registryUrl } from '../../../infra/local-stack/registry.ts';
import { createReporter } from '../../../infra/local-stack/report.ts';
import { readSettings, type Addresses, type ServiceName } from '../../../infra/local-stack/settings.ts';
import type { ServiceProcess } from '../../../infra/local-stack/supervised-process.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { ControlledProcess } from './controlled-process.ts';

const START_TIMEOUT_MS = 15 * 60_000;
const HOST = '127.0.0.1';

interface Ports {
  readonly kafka: number;
  readonly registry: number;
  readonly mysql: number;
  readonly internal: number;
}

export interface Proxies {
  readonly kafka: TcpProxy;
  readonly mysql: TcpProxy;
}

const controlled = (service: ServiceProcess): ControlledProcess =>
  new ControlledProcess({ ...service, isReady: () => service.isReady() });

export class OwnServices {
  readonly directory: string;
  readonly broker: ControlledProcess;
  readonly registry: ControlledProcess;
  readonly database: ControlledProcess;
  readonly proxies: Proxies | undefined;
  readonly #ports: Ports;

  private constructor(
    directory: string,
    ports: Ports,
    processes: Record<'broker' | 'registry' | 'database', ControlledProcess>,
    proxies: Proxies | undefined,
  ) {
    this.directory = directory;
    this.#ports = ports;
    this.broker = processes.broker;
    this.registry = processes.registry;
    this.database = processes.database;
    this.proxies = proxies;
  }

  static async start({ proxied = false } = {}): Promise<OwnServices> {
    const directory = mkdtempSync(join(tmpdir(), 'alerts-faults-'));
    const [kafka, registry, mysql, internal] = (await freePorts(4)) as [number, number, number, number];
    const ports = { kafka, registry, mysql, internal };
    try {
      const proxies = proxied
        ? { kafka: await TcpProxy.start(HOST, kafka), mysql: await TcpProxy.start(HOST, mysql) }
        : undefined;
      const processes = await prepare(directory, ports);
      if (proxies !== undefined) advertise(directory, ports, proxies.kafka.port);
      const services = new OwnServices(directory, ports, processes, proxies);
      for (const process of services.#processes) await process.start();
      for (const process of services.#processes) await process.becomesReady();
      return services;
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** As the processes under test reach them. */
  get addresses(): Addresses {
    const { kafka, registry, mysql } = this.#ports;
    return {
      kafka: `${HOST}:${this.proxies?.kafka.port ?? kafka}`,
      registry: registryUrl(registry),
      mysql: mysqlUrl(this.proxies?.mysql.port ?? mysql),
    };
  }

  /** Past any proxy. */
  get directMysqlUrl(): string {
    return mysqlUrl(this.#ports.mysql);
  }

  get directBroker(): string {
    return `${HOST}:${this.#ports.kafka}`;
  }

  /** A client of the broker, past any proxy. */
  client(clientId: string): KafkaLogClient {
    const address = { host: HOST, port: this.#ports.kafka };
    return new KafkaLogClient({
      brokers: [this.directBroker],
      clientId,
      logger: silentLogger,
      mapAddress: () => address,
    });
  }

  /** The broker's segment files of a partition are in here. */
  partitionFolder(topic: string, partition: number): string {
    return join(this.directory, 'kafka', 'data', `${topic}-${partition}`);
  }

  async stop(): Promise<void> {
    for (const process of this.#processes) process.thaw();
    await Promise.all(this.#processes.map((process) => process.kill()));
    await this.proxies?.kafka.close();
    await this.proxies?.mysql.close();
    if (process.env['FAULTS_KEEP'] !== undefined) console.log(`Logs and data are kept in ${this.directory}`);
    else rmSync(this.directory, { recursive: true, force: true });
  }

  get #processes(): readonly ControlledProcess[] {
    return [this.broker, this.registry, this.database];
  }
}

async function prepare(
  dataDir: string,
  ports: Ports,
): Promise<Record<'broker' | 'registry' | 'database', ControlledProcess>> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const { cacheDir } = readSettings({}, dataDir);
  const cache = { cacheDir, reporter: createReporter(process.stderr), signal };
  const binaries = (name: ServiceName): Promise<string> => ensureArtefact(name, cache);
  const java = await requireJava(process.env, signal);
  mkdirSync(join(dataDir, 'logs'));
  const logFile = (name: ServiceName): string => join(dataDir, 'logs', `${name}.log`);
  const kafka = {
    java,
    binaries: await binaries('kafka'),
    dataDir,
    logFile: logFile('kafka'),
    port: ports.kafka,
    signal,
  };
  const registry = {
    ...{ java, binaries: await binaries('registry'), dataDir },
    ...{ logFile: logFile('registry'), port: ports.registry },
  };
  const mysql = { binaries: await binaries('mysql'), dataDir, logFile: logFile('mysql'), port: ports.mysql, signal };
  return {
    broker: controlled(await prepareKafka(kafka)),
    registry: controlled(prepareRegistry(registry)),
    database: controlled(await prepareMariadb(mysql)),
  };
}

/** Changes what the broker tells clients about itself; brokers among themselves use a listener that no proxy disturbs. */
function advertise(dataDir: string, { kafka, internal }: Ports, proxyPort: number): void {
  const file = join(dataDir, 'kafka', 'server.properties');
  const changes: Readonly<Record<string, (value: string) => string>> = {
    listeners: (value) => `${value},INTERNAL://${HOST}:${internal}`,
    'advertised.listeners': () => `PLAINTEXT://${HOST}:${proxyPort},INTERNAL://${HOST}:${internal}`,
    'listener.security.protocol.map': (value) => `${value},INTERNAL:PLAINTEXT`,
    'inter.broker.listener.name': () => 'INTERNAL',
  };
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const changed = lines.map((line) => {
    const at = line.indexOf('=');
    const [name, value] = [line.slice(0, at), line.slice(at + 1)];
    return `${name}=${changes[name]?.(value) ?? value}`;
  });
  if (kafka === proxyPort) throw new Error('The proxy has the port of the broker.');
  writeFileSync(file, `${changed.join('\n')}\n`);
}
