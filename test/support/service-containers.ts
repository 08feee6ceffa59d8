/**
 * The services as containers for one test run. Invariant: they hold nothing that outlives them, and a failure to start one
 * ends the others.
 */
import { GenericContainer, Wait } from 'testcontainers';
import type { StartedTestContainer } from 'testcontainers';
import { join } from 'node:path';
import { mysqlUrl } from '../../infra/local-stack/mariadb.ts';
import { freePort } from '../../infra/local-stack/ports.ts';
import { kafkaAnswers, mysqlAnswers } from '../../infra/local-stack/probes.ts';
import { registryUrl } from '../../infra/local-stack/registry.ts';
import { projectRoot } from '../../infra/local-stack/settings.ts';
import type { Addresses } from '../../infra/local-stack/settings.ts';
import { waitUntil } from '../../infra/local-stack/wait.ts';
import { composeImage } from './compose-file.ts';

interface StartedContainers {
  readonly addresses: Addresses;
  stop(): Promise<void>;
}

interface StartedService {
  readonly address: string;
  readonly container: StartedTestContainer;
}

const startupTimeoutMs = 180_000;

/** Starts a container for each service that is not given. */
export async function startServiceContainers(given: Partial<Addresses>): Promise<StartedContainers> {
  const started: StartedTestContainer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((container) => container.stop()));
  };
  const address = async (known: string | undefined, start: () => Promise<StartedService>): Promise<string> => {
    if (known !== undefined) return known;
    const service = await start();
    started.push(service.container);
    return service.address;
  };
  const outcomes = await Promise.allSettled([
    address(given.kafka, startKafka),
    address(given.registry, startRegistry),
    address(given.mysql, startMysql),
  ]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const [kafka, registry, mysql] = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : ''));
  return { addresses: { kafka: kafka ?? '', registry: registry ?? '', mysql: mysql ?? '' }, stop };
}

async function startKafka(): Promise<StartedService> {
  // The port is chosen first, because the broker has to tell its clients where it is reached from outside.
  const port = await freePort();
  const container = await new GenericContainer(composeImage('kafka'))
    .withEnvironment({
      CLUSTER_ID: 'AlertsTestClusterAAAAA',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_NODE_ID: '1',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:29093',
      KAFKA_LISTENERS: 'EXTERNAL://0.0.0.0:9092,INTERNAL://localhost:29092,CONTROLLER://localhost:29093',
      KAFKA_ADVERTISED_LISTENERS: `EXTERNAL://127.0.0.1:${port},INTERNAL://localhost:29092`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'EXTERNAL:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      // The broker writes transaction markers to itself over the network, where only this listener is reached.
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    })
    .withExposedPorts({ container: 9092, host: port })
    .withStartupTimeout(startupTimeoutMs)
    .start();
  await requireAnswer('Kafka', container, () => kafkaAnswers({ host: '127.0.0.1', port }));
  return { container, address: `127.0.0.1:${port}` };
}

async function startRegistry(): Promise<StartedService> {
  // The variant that keeps its schemas in memory needs no broker to start.
  const image = composeImage('registry').replace('-kafkasql:', '-mem:');
  const container = await new GenericContainer(image)
    .withExposedPorts(8080)
    .withWaitStrategy(Wait.forHttp('/apis/ccompat/v7/subjects', 8080))
    .withStartupTimeout(startupTimeoutMs)
    .start();
  return { container, address: registryUrl(container.getMappedPort(8080)) };
}

async function startMysql(): Promise<StartedService> {
  const container = await new GenericContainer(composeImage('mysql'))
    .withEnvironment({
      MYSQL_DATABASE: 'alerts',
      MYSQL_USER: 'alerts',
      MYSQL_PASSWORD: 'alerts',
      MYSQL_RANDOM_ROOT_PASSWORD: 'yes',
    })
    .withCopyFilesToContainer([
      { source: join(projectRoot, 'infra/mysql/grants.sql'), target: '/docker-entrypoint-initdb.d/grants.sql' },
    ])
    .withExposedPorts(3306)
    .withStartupTimeout(startupTimeoutMs)
    .start();
  const port = container.getMappedPort(3306);
  await requireAnswer('MySQL', container, () => mysqlAnswers({ host: '127.0.0.1', port }));
  return { container, address: mysqlUrl(port) };
}

async function requireAnswer(
  name: string,
  container: StartedTestContainer,
  answers: () => Promise<boolean>,
): Promise<void> {
  const signal = AbortSignal.timeout(startupTimeoutMs);
  if (await waitUntil(answers, { timeoutMs: startupTimeoutMs, everyMs: 200, signal })) return;
  await container.stop();
  throw new Error(`The container of ${name} did not answer within ${startupTimeoutMs / 1000} s.`);
}
