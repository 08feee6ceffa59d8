/** Incident events on their way through the queue to a receiver of this machine that fails, hangs and recovers. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { addressPolicy } from '../../../connectors/notifications/address-policy.ts';
import { createSenders } from '../../../connectors/notifications/senders.ts';
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { ChannelStore } from '../../../notifications/channel-store.ts';
import { Dispatcher, type DispatcherOptions } from '../../../notifications/dispatcher.ts';
import { notificationId } from '../../../notifications/notification.ts';
import { NotificationStore } from '../../../notifications/notification-store.ts';
import { queueTables } from '../../../notifications/queue-tables.ts';
import type { NotificationChannel } from '../../../schemas/notification.ts';
import { PositionMovedError, readPosition } from '../../../sink/positions.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { channel, incidentEvent } from '../../unit/notifications/support.ts';
import { TestDatabase } from '../sink/test-database.ts';

const AT = { topic: 'notifier/incident-events', partition: 0 };
const OPTIONS: DispatcherOptions = {
  guard: { timeoutMs: 300, maxConcurrent: 4, maxQueued: 2, failures: 3, halfOpenAfterMs: 200 },
  retry: { maxAttempts: 4, firstDelayMs: 20, maxDelayMs: 100 },
  pollIntervalMs: 20,
  maxInFlight: 32,
  keepMs: 3_600_000,
};

let tables: TestDatabase;
let server: Server;
let url: string;
/** Ids of notifications, by path. */
let received: { readonly path: string; readonly id: string }[];
let answers: Map<string, (response: ServerResponse) => void>;
let running: { readonly dispatcher: Dispatcher; readonly done: Promise<void> }[];
let channels: ChannelStore;
let queue: NotificationStore;
let metrics: PrometheusMetrics;

const ok = (response: ServerResponse): void => void response.writeHead(200).end();
const broken = (response: ServerResponse): void => void response.writeHead(500).end();
const hanging = (): void => undefined;

beforeAll(async () => {
  tables = await TestDatabase.create();
  server = createServer((request, response) => {
    const path = request.url ?? '';
    received.push({ path, id: String(request.headers['idempotency-key']) });
    request.resume().on('end', () => (answers.get(path) ?? ok)(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await tables.drop();
});
beforeEach(async () => {
  received = [];
  answers = new Map();
  running = [];
  metrics = new PrometheusMetrics();
  channels = new ChannelStore(tables.database);
  queue = new NotificationStore(tables.database);
  for (const table of ['notifications', 'notification_channels', 'sink_offsets'])
    await tables.database.change(`DELETE FROM ${table}`);
  await readPosition(tables.database, AT, 0);
});
afterEach(async () => {
  for (const { dispatcher } of running) dispatcher.stop();
  await Promise.all(running.map(({ done }) => done));
});

const start = (options: Partial<DispatcherOptions> = {}): Dispatcher => {
  const mayReach = addressPolicy(['127.0.0.0/8']) ?? (() => false);
  const senders = createSenders({
    ...{ mayReach, now: Date.now, pagerdutyUrl: `${url}/pagerduty`, smtpUrl: undefined },
    ...{ from: 'alerts@example.com', timeoutMs: 300 },
  });
  const dispatcher = new Dispatcher(
    {
      channels,
      queue,
      senders,
      clock: systemClock,
      logger: silentLogger,
      metrics,
      random: Math.random,
      newClaim: randomUUID,
    },
    { ...OPTIONS, ...options },
  );
  running.push({ dispatcher, done: dispatcher.run() });
  return dispatcher;
};

const addHook = async (name: string, fields: Partial<NotificationChannel> = {}): Promise<string> => {
  const id = randomUUID();
  await channels.create(channel(id, { name, target: `${url}/${name}`, secret: 'secret', ...fields }));
  return id;
};

const incident = (sequence: number) => incidentEvent({ sequence });

const queueUp = (expected: number, ...events: ReturnType<typeof incidentEvent>[]) => {
  const position = { ...AT, expected, next: expected + events.length };
  return queueTables(Date.now).apply(tables.database, events, position, []);
};

const until = (isTrue: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(isTrue, { timeout: 30_000, interval: 20 });

const waiting = async (): Promise<number | undefined> => (await queue.measureWaiting())[0]?.value;

const statusOf = async (sequence: number, channelId: string): Promise<string | undefined> =>
  (await queue.get(notificationId(incident(sequence).eventId, channelId)))?.status;

const idsAt = (path: string): readonly string[] => received.filter((one) => one.path === path).map(({ id }) => id);

describe('the queue of notifications', () => {
  it('[INV-NOTIFY-QUEUED] holds each event once for each enabled channel, however often it is read', async () => {
    const [a, b] = [await addHook('a'), await addHook('b')];
    await addHook('off', { enabled: false });
    await queueUp(0, incident(1), incidentEvent({ sequence: 2, eventType: 'COMMENTED' }), incident(3));
    await tables.database.change('UPDATE sink_offsets SET next_offset = 0');
    await queueUp(0, incident(1), incidentEvent({ sequence: 2, eventType: 'COMMENTED' }));
    const rows = await tables.database.query('SELECT notification_id FROM notifications');
    const expected = [1, 3].flatMap((sequence) => [a, b].map((id) => notificationId(incident(sequence).eventId, id)));
    expect(rows.map((row) => row['notification_id']).sort()).toEqual(expected.sort());
  });

  it('[INV-NOTIFY-QUEUED] moves with its position or not at all', async () => {
    await addHook('a');
    await expect(queueUp(7, incident(1))).rejects.toBeInstanceOf(PositionMovedError);
    expect(await waiting()).toBe(0);
  });

  it('[INV-NOTIFY-CLAIM] gives each to one notifier, and to another when the first one is too slow', async () => {
    const id = await addHook('a');
    await queueUp(0, incident(1), incident(2));
    const nowMs = Date.now();
    const [first, second] = await Promise.all([1, 2].map((which) => queue.claim(`claim-${which}`, 1, nowMs, 1_000)));
    const held = [...(first ?? []), ...(second ?? [])].map((one) => one.id);
    expect(new Set(held).size).toBe(2);
    expect(await queue.claim('claim-3', 9, nowMs + 999, 1_000)).toEqual([]);
    expect(await queue.claim('claim-4', 9, nowMs + 1_000, 1_000)).toHaveLength(2);
    const delivered = { state: { status: 'DELIVERED', attempts: 1 }, deliveredBy: id, error: null } as const;
    expect(await queue.settle(held[0] ?? '', 'claim-1', delivered, nowMs)).toBe(false);
    expect(await queue.settle(held[0] ?? '', 'claim-4', delivered, nowMs)).toBe(true);
  });
});

describe('the notifier', () => {
  it('[INV-NOTIFY-DELIVERED] delivers to every channel, and again with the same id while one fails', async () => {
    const [a, b] = [await addHook('a'), await addHook('b')];
    let failures = 2;
    answers.set('/b', (response) => ((failures -= 1) >= 0 ? broken : ok)(response));
    start();
    await queueUp(0, incident(1));
    await until(async () => expect([await statusOf(1, a), await statusOf(1, b)]).toEqual(['DELIVERED', 'DELIVERED']));
    const id = notificationId(incident(1).eventId, b);
    expect(idsAt('/a')).toHaveLength(1);
    expect(idsAt('/b')).toEqual([id, id, id]);
    expect(await queue.listFailed('DELIVERED', 10)).toMatchObject([{ id, attempts: 3, deliveredBy: b }]);
    await until(async () => {
      const text = await metrics.text();
      expect(text).toMatch(/notifications_sent_total\{status="success"\} 2/);
      expect(text).toMatch(/notifications_sent_total\{status="failure"\} 2/);
    });
  });

  it('[INV-NOTIFY-BREAKER] leaves a channel that hangs alone, without holding others up, and returns when it recovers', async () => {
    const [slow, fast] = [await addHook('slow'), await addHook('fast')];
    answers.set('/slow', hanging);
    const dispatcher = start({ retry: { ...OPTIONS.retry, maxAttempts: 1_000 } });
    await queueUp(0, ...Array.from({ length: 20 }, (_, index) => incident(index + 1)));
    await until(() => expect(new Set(idsAt('/fast')).size).toBe(20));
    const circuitOf = async (id: string) =>
      (await channels.breakers()).find(({ channelId }) => channelId === id)?.state;
    await until(async () => expect(await circuitOf(slow)).not.toBe('closed'));
    await until(() =>
      expect(dispatcher.measurements().find(({ labels }) => labels['type'] === 'webhook')?.value).toBe(1),
    );
    expect(await circuitOf(fast)).toBe('closed');
    answers.delete('/slow');
    await until(async () => expect(await waiting()).toBe(0));
    await until(async () => expect(await circuitOf(slow)).toBe('closed'));
    expect(new Set(idsAt('/slow')).size).toBe(20);
  });

  it('[INV-NOTIFY-FALLBACK] tells the next channel of the chain while the first one fails', async () => {
    const standIn = await addHook('stand-in', { enabled: true });
    const first = await addHook('first', { fallbackId: standIn });
    await channels.setEnabled(standIn, false);
    await queueUp(0, incident(1));
    await channels.setEnabled(standIn, true);
    answers.set('/first', broken);
    start();
    await until(async () => expect(await statusOf(1, first)).toBe('DELIVERED'));
    expect(await queue.listFailed(undefined, 10)).toMatchObject([{ channelId: first, deliveredBy: standIn }]);
    expect(idsAt('/stand-in')).toEqual(idsAt('/first'));
  });

  it('[INV-NOTIFY-BOUNDED] gives up after the last attempt, and starts again when somebody asks', async () => {
    const id = await addHook('a');
    answers.set('/a', broken);
    start({ guard: { ...OPTIONS.guard, failures: 100 } });
    await queueUp(0, incident(1));
    await until(async () => expect(await statusOf(1, id)).toBe('DEAD'));
    expect(idsAt('/a')).toHaveLength(OPTIONS.retry.maxAttempts);
    const [dead] = await queue.listFailed('DEAD', 10);
    expect(dead).toMatchObject({ attempts: 4, lastError: 'a: The receiver answered 500.' });
    answers.delete('/a');
    expect(await queue.resend(dead?.id ?? '', Date.now())).toBe(true);
    await until(async () => expect(await statusOf(1, id)).toBe('DELIVERED'));
    expect(await queue.resend(dead?.id ?? '', Date.now())).toBe(false);
  });

  it('[INV-NOTIFY-DELIVERED] goes on after a restart with what waits and with what another one left behind', async () => {
    const id = await addHook('a');
    await queueUp(0, incident(1), incident(2));
    // One notifier took the first and died, and its time is over at once.
    expect(await queue.claim('of-the-dead', 1, Date.now(), 0)).toHaveLength(1);
    start();
    await until(async () => expect([await statusOf(1, id), await statusOf(2, id)]).toEqual(['DELIVERED', 'DELIVERED']));
  });

  it('gives up what belongs to a channel that is gone', async () => {
    const id = await addHook('a');
    await queueUp(0, incident(1));
    await channels.remove(id);
    start();
    await until(async () => expect(await statusOf(1, id)).toBe('DEAD'));
    expect(received).toEqual([]);
  });

  it('forgets what ended long ago, and nothing that waits', async () => {
    const id = await addHook('a');
    await queueUp(0, incident(1), incident(2));
    await tables.database.change("UPDATE notifications SET status = 'DELIVERED' WHERE notification_id = ?", [
      notificationId(incident(1).eventId, id),
    ]);
    expect(await queue.prune(Date.now() + 60_000, 10)).toBe(1);
    expect(await statusOf(2, id)).toBe('PENDING');
  });
});
