/**
 * A broker of one test's own that takes encrypted connections of known users only (SASL_SSL): a container where a Docker engine
 * answers, else from the binaries of the local stack.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer } from 'testcontainers';
import { ensureArtefact } from '../../infra/local-stack/artefact-cache.ts';
import { runCommand, startProcess, stopProcess } from '../../infra/local-stack/child-process.ts';
import { dockerEngineAnswers } from '../../infra/local-stack/docker-services.ts';
import { requireJava } from '../../infra/local-stack/java.ts';
import { renderServerProperties } from '../../infra/local-stack/kafka.ts';
import { freePorts } from '../../infra/local-stack/ports.ts';
import { kafkaAnswers } from '../../infra/local-stack/probes.ts';
import { createReporter } from '../../infra/local-stack/report.ts';
import { readSettings } from '../../infra/local-stack/settings.ts';
import { waitUntil } from '../../infra/local-stack/wait.ts';
import { testCertificate, type TestCertificate } from './certificates.ts';
import { composeImage } from './compose-file.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 120_000;
const CLUSTER_ID = 'SecureTestClusterAAAAA';

export const SECURE_USER = 'fleet';
export const SECURE_PASSWORD = 'correct-horse';

interface Ports {
  readonly secure: number;
  readonly internal: number;
  readonly controller: number;
}

/** A property's text on one line; the file's format has a word for line ends. */
const onOneLine = (text: string): string => text.trim().replaceAll('\n', '\\n');

/** `bind`: the address to listen on, which is another one than clients use in a container. */
const propertiesOf = (ports: Ports, pem: TestCertificate, bind: string, logDir: string): string => {
  const base = renderServerProperties({ port: ports.internal, controllerPort: ports.controller, logDir });
  const secure = {
    listeners: `SECURE://${bind}:${ports.secure},INTERNAL://${bind}:${ports.internal},CONTROLLER://${HOST}:${ports.controller}`,
    'advertised.listeners': `SECURE://${HOST}:${ports.secure},INTERNAL://${HOST}:${ports.internal}`,
    'listener.security.protocol.map': 'SECURE:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.secure.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${SECURE_USER}="${SECURE_PASSWORD}";`,
    'listener.name.secure.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.secure.ssl.keystore.type': 'PEM',
    'listener.name.secure.ssl.keystore.certificate.chain': onOneLine(pem.certificate),
    'listener.name.secure.ssl.keystore.key': onOneLine(pem.key),
  };
  // Of a name that is there twice, the later value counts.
  return (
    base +
    Object.entries(secure)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('')
  );
};

const SCRAM_USER = `SCRAM-SHA-512=[name=${SECURE_USER},password=${SECURE_PASSWORD}]`;

export class SecureKafka {
  /** What a client is told, by the names of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #end: () => Promise<void>;

  private constructor(environment: Readonly<Record<string, string>>, end: () => Promise<void>) {
    this.environment = environment;
    this.#end = end;
  }

  static async start(): Promise<SecureKafka> {
    const directory = mkdtempSync(join(tmpdir(), 'alerts-secure-kafka-'));
    const remove = (): void => rmSync(directory, { recursive: true, force: true });
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    try {
      const [secure, internal, controller] = (await freePorts(3)) as [number, number, number];
      const ports = { secure, internal, controller };
      const pem = await testCertificate();
      const caFile = join(directory, 'ca.pem');
      writeFileSync(caFile, pem.certificate);
      const inContainer = await dockerEngineAnswers(process.env, signal);
      const end = inContainer ? await startContainer(ports, pem) : await startBinaries(directory, ports, pem, signal);
      const isUp = () => kafkaAnswers({ host: HOST, port: internal });
      if (!(await waitUntil(isUp, { timeoutMs: START_TIMEOUT_MS, everyMs: 100, signal })))
        throw new Error(`The secure broker did not start in ${START_TIMEOUT_MS / 1000} s.`);
      return new SecureKafka(environmentOf(secure, caFile), async () => {
        await end();
        remove();
      });
    } catch (error) {
      remove();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#end();
  }
}

const environmentOf = (port: number, caFile: string): Readonly<Record<string, string>> => ({
  KAFKA_BROKERS: `${HOST}:${port}`,
  KAFKA_SSL_CA_FILE: caFile,
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: SECURE_USER,
  KAFKA_SASL_PASSWORD: SECURE_PASSWORD,
});

async function startBinaries(
  directory: string,
  ports: Ports,
  pem: TestCertificate,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const java = await requireJava(process.env, signal);
  const { cacheDir } = readSettings({}, directory);
  const binaries = await ensureArtefact('kafka', { cacheDir, reporter: createReporter(process.stderr), signal });
  const properties = join(directory, 'server.properties');
  writeFileSync(properties, propertiesOf(ports, pem, HOST, join(directory, 'data')));
  const run = (...args: string[]) => ({
    command: java,
    args: ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', join(binaries, '*'), ...args],
    cwd: directory,
  });
  const formatted = await runCommand(
    run('kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, '--add-scram', SCRAM_USER),
    { timeoutMs: 60_000, signal },
  );
  if (formatted.code !== 0) throw new Error(`The secure broker's folder could not be formatted: ${formatted.output}`);
  const started = await startProcess(run('kafka.Kafka', properties), join(directory, 'kafka.log'));
  return () => stopProcess(started, 0);
}

async function startContainer(ports: Ports, pem: TestCertificate): Promise<() => Promise<void>> {
  const file = '/tmp/server.properties';
  const format = `/opt/kafka/bin/kafka-storage.sh format -t ${CLUSTER_ID} -c ${file} --add-scram '${SCRAM_USER}'`;
  const container = await new GenericContainer(composeImage('kafka'))
    .withCopyContentToContainer([{ content: propertiesOf(ports, pem, '0.0.0.0', '/tmp/kafka-data'), target: file }])
    .withEntrypoint(['bash', '-c', `${format} && exec /opt/kafka/bin/kafka-server-start.sh ${file}`])
    .withExposedPorts(
      { container: ports.secure, host: ports.secure },
      { container: ports.internal, host: ports.internal },
    )
    .start();
  return async () => void (await container.stop());
}
