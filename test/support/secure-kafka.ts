/**
 * A broker of one test's own that takes encrypted connections of known users only (SASL_SSL), from the binaries of the local stack.
 * Needs Java, as the local stack without Docker does.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureArtefact } from '../../infra/local-stack/artefact-cache.ts';
import { runCommand, startProcess, stopProcess, type StartedProcess } from '../../infra/local-stack/child-process.ts';
import { requireJava } from '../../infra/local-stack/java.ts';
import { renderServerProperties } from '../../infra/local-stack/kafka.ts';
import { freePorts } from '../../infra/local-stack/ports.ts';
import { kafkaAnswers } from '../../infra/local-stack/probes.ts';
import { createReporter } from '../../infra/local-stack/report.ts';
import { readSettings } from '../../infra/local-stack/settings.ts';
import { testCertificate } from './certificates.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 120_000;
const CLUSTER_ID = 'SecureTestClusterAAAAA';

export const SECURE_USER = 'fleet';
export const SECURE_PASSWORD = 'correct-horse';

/** A property's text on one line; the file's format has a word for line ends. */
const onOneLine = (text: string): string => text.trim().replaceAll('\n', '\\n');

const secureProperties = (
  ports: { secure: number; internal: number; controller: number },
  pem: { certificate: string; key: string },
) => ({
  listeners: `SECURE://${HOST}:${ports.secure},INTERNAL://${HOST}:${ports.internal},CONTROLLER://${HOST}:${ports.controller}`,
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
});

export class SecureKafka {
  /** What a client is told, by the names of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #process: StartedProcess;

  private constructor(directory: string, process: StartedProcess, environment: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#process = process;
    this.environment = environment;
  }

  static async start(): Promise<SecureKafka> {
    const directory = mkdtempSync(join(tmpdir(), 'alerts-secure-kafka-'));
    try {
      return await startIn(directory, (process, environment) => new SecureKafka(directory, process, environment));
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stopProcess(this.#process, 0);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function startIn(
  directory: string,
  made: (process: StartedProcess, environment: Readonly<Record<string, string>>) => SecureKafka,
): Promise<SecureKafka> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const java = await requireJava(process.env, signal);
  const { cacheDir } = readSettings({}, directory);
  const binaries = await ensureArtefact('kafka', { cacheDir, reporter: createReporter(process.stderr), signal });
  const [secure, internal, controller] = (await freePorts(3)) as [number, number, number];
  const pem = await testCertificate();
  const properties = join(directory, 'server.properties');
  const base = renderServerProperties({ port: internal, controllerPort: controller, logDir: join(directory, 'data') });
  const more = Object.entries(secureProperties({ secure, internal, controller }, pem));
  // Of a name that is there twice, the later value counts.
  writeFileSync(properties, base + more.map(([name, value]) => `${name}=${value}\n`).join(''));
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, pem.certificate);
  mkdirSync(join(directory, 'logs'));
  const run = (...args: string[]) => ({
    command: java,
    args: ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', join(binaries, '*'), ...args],
    cwd: directory,
  });
  const scram = `SCRAM-SHA-512=[name=${SECURE_USER},password=${SECURE_PASSWORD}]`;
  const formatted = await runCommand(
    run('kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, '--add-scram', scram),
    { timeoutMs: 60_000, signal },
  );
  if (formatted.code !== 0) throw new Error(`The secure broker's folder could not be formatted: ${formatted.output}`);
  const started = await startProcess(run('kafka.Kafka', properties), join(directory, 'logs', 'kafka.log'));
  while (!(await kafkaAnswers({ host: HOST, port: internal }))) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return made(started, {
    KAFKA_BROKERS: `${HOST}:${secure}`,
    KAFKA_SSL_CA_FILE: caFile,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: SECURE_USER,
    KAFKA_SASL_PASSWORD: SECURE_PASSWORD,
  });
}
