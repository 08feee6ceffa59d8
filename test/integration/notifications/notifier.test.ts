/** The notifier as a process on real services, with a receiver of this machine. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaConnection, readRegistryConnection } from '../../../connectors/config/services.ts';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import type { Serde } from '../../../connectors/log.ts';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../../connectors/setup/set-up.ts';
import { ChannelStore } from '../../../notifications/channel-store.ts';
import { notificationId } from '../../../notifications/notification.ts';
import { incidentEventSchema } from '../../../schemas/avro.ts';
import type { IncidentEvent } from '../../../schemas/incident-event.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { incidentTopicNames } from '../../../topologies/incident-topics.ts';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { channel, incidentEvent } from '../../unit/notifications/support.ts';
import { TestDatabase } from '../sink/test-database.ts';

const rules = { overspeed: { escalate_if_count: 2, window_mins: 2, auto_close_after_mins: 1 } };
const CHANNEL = randomUUID();
const INCIDENTS = 40;

const created = (index: number): IncidentEvent =>
  incidentEvent({ incidentId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`, timestamp: Date.now() });

const idOf = (index: number): string => notificationId(created(index).eventId, CHANNEL);
const idsOf = (from: number, until: number): readonly string[] =>
  Array.from({ length: until - from }, (_, index) => idOf(from + index)).toSorted();

describe('the notifier on real services', () => {
  const prefix = `notify-${randomUUID().slice(0, 8)}-`;
  const topic = incidentTopicNames(prefix).incidentEvents;
  const kafka = new KafkaLogClient({ ...readKafkaConnection(process.env), clientId: prefix, logger: silentLogger });
  const received: { readonly id: string; readonly incidentId: string }[] = [];
  let answering = true;
  let server: Server;
  let database: TestDatabase;
  let system: AlertProcesses;
  let events: Serde<IncidentEvent>;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { incidentId } = JSON.parse(Buffer.concat(chunks).toString()) as { incidentId: string };
        received.push({ id: String(request.headers['idempotency-key']), incidentId });
        if (answering) response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    database = await TestDatabase.create();
    system = await AlertProcesses.prepare(prefix, database.url, rules);
    const registry = new SchemaRegistryClient(readRegistryConnection(process.env));
    events = await registry.serdeFor(subjectOf(topic), incidentEventSchema);
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    await new ChannelStore(database.database).create(channel(CHANNEL, { target, secret: 'a secret of a webhook' }));
    // What a dead notifier had in hand is free again a few seconds later.
    system.environment['NOTIFIER_TIMEOUT_MS'] = '1000';
    system.start('notifier');
  });

  afterAll(async () => {
    await system?.close();
    server?.closeAllConnections();
    server?.close();
    await kafka.close();
    await database?.drop();
  });

  const produce = async (from: number, until: number): Promise<void> => {
    const indexes = Array.from({ length: until - from }, (_, index) => from + index);
    const records = indexes.map((index) => {
      const event = created(index);
      const key = Buffer.from(event.incidentId);
      return {
        topic,
        partition: index % 4,
        key,
        value: Buffer.from(events.serialize(topic, event) ?? []),
        headers: [],
        timestampMs: Date.now(),
      };
    });
    const producer = kafka.plainProducer();
    await producer.send(records);
    await producer.close();
  };

  const heard = (from: number, until: number): readonly string[] => {
    const wanted = new Set(idsOf(from, until));
    return [...new Set(received.map(({ id }) => id).filter((id) => wanted.has(id)))].toSorted();
  };

  it('[INV-NOTIFY-CRASH] tells every incident, whatever a crash cuts off, and repeats with the same key', async () => {
    await produce(0, INCIDENTS);
    await expect.poll(() => heard(0, INCIDENTS), { timeout: 60_000 }).toEqual(idsOf(0, INCIDENTS));
    // The receiver takes requests and never answers: these are in hand when the process dies.
    answering = false;
    await produce(INCIDENTS, INCIDENTS + 4);
    await expect.poll(() => heard(INCIDENTS, INCIDENTS + 4), { timeout: 60_000 }).toHaveLength(4);
    await system.kill('notifier');
    await produce(INCIDENTS + 4, INCIDENTS + 8);
    answering = true;
    system.start('notifier');
    const statuses = async () => {
      const rows = await database.database.query('SELECT status, COUNT(*) AS many FROM notifications GROUP BY status');
      return new Map(rows.map((row) => [row['status'], Number(row['many'])]));
    };
    await expect.poll(statuses, { timeout: 90_000 }).toEqual(new Map([['DELIVERED', INCIDENTS + 8]]));
    expect(heard(0, INCIDENTS + 8)).toEqual(idsOf(0, INCIDENTS + 8));
    // What was in hand came twice, under one key; nothing came under a key of its own.
    for (let index = INCIDENTS; index < INCIDENTS + 4; index += 1)
      expect(received.filter(({ id }) => id === idOf(index)).length).toBeGreaterThanOrEqual(2);
    expect(new Set(received.map(({ id }) => id)).size).toBe(INCIDENTS + 8);
    expect(await system.stop('notifier')).toBe(0);
  });
});
