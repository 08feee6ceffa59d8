import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaConnection, readRegistryConnection } from '../../../connectors/config/services.ts';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../../connectors/setup/set-up.ts';
import type { Serde } from '../../../connectors/log.ts';
import { lifecycleEventSchema } from '../../../schemas/avro.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { alertTopics, topicNames } from '../../../topologies/topics.ts';
import { lifeOf } from '../../support/sink-events.ts';
import { naiveImage } from '../../support/sink-model.ts';
import { eventually, eventuallyEqual } from './sink-harness.ts';
import { storedForm, TestDatabase } from './test-database.ts';

const PARTITIONS = 2;
const prefix = `sink-test-${randomBytes(5).toString('hex')}-`;
const topics = topicNames(prefix);

let tables: TestDatabase;
let kafka: KafkaLogClient;
let serde: Serde<LifecycleEvent>;
const processes: ChildProcess[] = [];
/** Everything that was sent, by partition. */
const sent: LifecycleEvent[][] = Array.from({ length: PARTITIONS }, () => []);

beforeAll(async () => {
  tables = await TestDatabase.create();
  kafka = new KafkaLogClient({ ...readKafkaConnection(process.env), clientId: 'sink-test', logger: silentLogger });
  const wanted = [topics.alertEvents, topics.deadLetters];
  await kafka.admin().createTopics(alertTopics(PARTITIONS, topics).filter(({ name }) => wanted.includes(name)));
  const registry = new SchemaRegistryClient(readRegistryConnection(process.env));
  await registry.register(subjectOf(topics.alertEvents), lifecycleEventSchema);
  serde = await registry.serdeFor(subjectOf(topics.alertEvents), lifecycleEventSchema);
});

afterEach(() => {
  for (const running of processes.splice(0)) running.kill('SIGKILL');
});

afterAll(async () => {
  await kafka.close();
  await tables.drop();
});

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

interface SinkProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly output: () => string;
}

const startProcess = async (): Promise<SinkProcess> => {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../../bin/sink.ts')], {
    env: {
      ...process.env,
      MYSQL_URL: tables.url,
      TOPIC_PREFIX: prefix,
      STREAMS_APPLICATIONS: 'alerts',
      SINK_PORT: String(port),
      LOG_LEVEL: 'debug',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  processes.push(child);
  return { child, url: `http://127.0.0.1:${port}`, output: () => output };
};

const kill = async ({ child }: SinkProcess, signal: NodeJS.Signals): Promise<number | null> => {
  if (child.exitCode === null) {
    child.kill(signal);
    await once(child, 'exit');
  }
  return child.exitCode;
};

/** Sends interleaved lives of as many alerts to a partition, all of one driver. */
const send = async (partition: number, name: string, alerts: number): Promise<void> => {
  const lives = Array.from({ length: alerts }, (_, index) =>
    lifeOf(`${name}-${index}`, index % 3 !== 0).slice(0, 1 + (index % 5)),
  );
  const events = [0, 1, 2, 3, 4].flatMap((step) => lives.flatMap((life) => life[step] ?? []));
  const key = new TextEncoder().encode('TEST-01');
  const records = events.map((event) => ({
    topic: topics.alertEvents,
    partition,
    key,
    value: Uint8Array.from(serde.serialize(topics.alertEvents, event) as Uint8Array),
  }));
  const producer = kafka.plainProducer();
  for (let from = 0; from < records.length; from += 1_000) await producer.send(records.slice(from, from + 1_000));
  await producer.close();
  sent[partition]?.push(...events);
};

const stored = async (): Promise<number> => {
  const positions = await Promise.all(sent.map((_, partition) => tables.position(topics.alertEvents, partition)));
  return positions.reduce<number>((sum, position) => sum + (position ?? 0), 0);
};

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

describe('the sink process', () => {
  it('writes what is on the topic, reports health and metrics, and ends in order', async () => {
    await send(0, 'first', 50);
    const sink = await startProcess();
    await eventuallyEqual(() => tables.image(), storedForm(naiveImage(sent.flat())), 60_000);
    await eventually(async () => expect(await statusOf(`${sink.url}/ready`)).toBe(200));
    expect(await statusOf(`${sink.url}/live`)).toBe(200);
    await eventually(async () => {
      const metrics = await (await fetch(`${sink.url}/metrics`)).text();
      expect(metrics).toMatch(/sink_rows_total\{table="alert_events"\} [1-9]/);
      expect(metrics).toMatch(/sink_lag_records\{partition="0",topic="[^"]+"\} 0/);
    });
    expect(sink.output()).toContain('"message":"batch applied"');
    expect(await kill(sink, 'SIGTERM')).toBe(0);
  });

  it('[INV-SINK-CRASH] repeats nothing and loses nothing when it is killed in the middle of its work', async () => {
    for (const partition of [0, 1]) await send(partition, `crash-${partition}`, 5_000);
    const total = sent.flat().length;
    for (let round = 0; round < 2; round += 1) {
      const before = await stored();
      const sink = await startProcess();
      await eventually(async () => expect(await stored()).toBeGreaterThan(before), 60_000);
      await kill(sink, 'SIGKILL');
    }
    expect(await stored()).toBeLessThan(total);
    const last = await startProcess();
    await eventually(async () => expect(await stored()).toBe(total), 90_000);
    expect(await tables.image()).toEqual(storedForm(naiveImage(sent.flat())));
    expect(await kill(last, 'SIGTERM')).toBe(0);
  }, 180_000);

  it('stops with a clear sentence when the tables are missing', async () => {
    await tables.database.change('RENAME TABLE sink_offsets TO sink_offsets_elsewhere');
    try {
      const sink = await startProcess();
      await once(sink.child, 'exit');
      expect(sink.child.exitCode).toBe(1);
      expect(sink.output()).toMatch(/sink_offsets.*Run the migrations/s);
    } finally {
      await tables.database.change('RENAME TABLE sink_offsets_elsewhere TO sink_offsets');
    }
  });
});
