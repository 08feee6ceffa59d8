/** One alert through three real processes: its trace at a real collector, and its lines in the logs. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaConnection } from '../../../connectors/config/services.ts';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { topicNames } from '../../../topologies/topics.ts';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { OtlpReceiver, type ReceivedSpan } from '../../support/otlp-receiver.ts';
import { TestDatabase } from '../sink/test-database.ts';

const KEY = 'the-key-of-the-tester';
const prefix = `tracing-${randomBytes(4).toString('hex')}-`;

let database: TestDatabase;
let receiver: OtlpReceiver;
let processes: AlertProcesses;

beforeAll(async () => {
  database = await TestDatabase.create();
  receiver = await OtlpReceiver.start();
  processes = await AlertProcesses.prepare(prefix, database.url, {
    overspeed: { escalate_if_count: 1, window_mins: 2, auto_close_after_mins: 4 },
  });
  // Nothing is sampled here; what is traced is traced because the caller's trace is, or because it failed.
  processes.environment['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.endpoint;
  processes.environment['OTEL_TRACES_SAMPLER_ARG'] = '0';
  processes.environment['GATEWAY_API_KEYS'] = `tester:admin:${KEY}`;
  processes.start('processor', 'sink', 'gateway');
  await processes.ready();
});

afterAll(async () => {
  await processes.close();
  await receiver.close();
  await database.drop();
});

const until = async <T>(what: string, find: () => T | undefined | Promise<T | undefined>): Promise<T> => {
  for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > deadline)
      throw new Error(`${what} did not happen; spans: ${JSON.stringify(receiver.spans.map(({ name }) => name))}`);
  }
};

const post = async (headers: Record<string, string>, driverId: string) => {
  const response = await fetch(`${processes.gatewayUrl}/process-alert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY, ...headers },
    body: JSON.stringify({ sourceType: 'overspeed', driverId, severity: 'low', metadata: { password: 'hunter2' } }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as { alertId: string };
};

const lines = async (name: 'sink' | 'gateway'): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await processes.log(name))
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const named = (spans: readonly ReceivedSpan[], name: string): readonly ReceivedSpan[] =>
  spans.filter((span) => span.name === name);

describe('the whole gateway', () => {
  it('[INV-GATEWAY-ACCESS] asks for a key on every route of every part, but for probes, metrics and documentation', async () => {
    const document = (await (await fetch(`${processes.gatewayUrl}/docs/json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    );
    const answers = await Promise.all(
      routes.map(async ({ method, path }) => {
        const body = method === 'GET' || method === 'HEAD' ? {} : { body: '{}' };
        const headers = { 'content-type': 'application/json' };
        const url = `${processes.gatewayUrl}${path.replaceAll(/\{\w+\}/g, 'x')}`;
        return { method, path, status: (await fetch(url, { method, headers, ...body })).status };
      }),
    );
    expect(answers.length).toBeGreaterThan(20);
    const open = answers.filter(({ status }) => status !== 401).map(({ path }) => path);
    expect(open.toSorted()).toEqual([
      ...['/api/v1/health', '/api/v1/health/live', '/api/v1/health/ready'],
      ...['/health', '/live', '/metrics', '/ready'],
    ]);
  });
});

describe('an alert on its way', () => {
  const traceId = randomBytes(16).toString('hex');

  it('[INV-TRACE-WHOLE] is one trace from the request over the processor to the tables', async () => {
    await post({ traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'vendor=1' }, 'TRACED-1');
    const spans = await until('the whole trace', () => {
      const found = receiver.ofTrace(traceId);
      return named(found, `store ${prefix}alert-events`).length === 2 ? found : undefined;
    });
    const [request] = named(spans, 'POST /process-alert');
    const [processed] = named(spans, `process ${prefix}raw-alerts`);
    expect(request).toMatchObject({ service: 'gateway', parentSpanId: 'b7ad6b7169203331', isError: false });
    expect(processed).toMatchObject({ service: 'processor', parentSpanId: request?.spanId });
    for (const stored of named(spans, `store ${prefix}alert-events`)) {
      expect(stored).toMatchObject({ service: 'sink', parentSpanId: processed?.spanId });
      expect(stored.endNs).toBeGreaterThanOrEqual(processed?.startNs ?? 0n);
    }
    expect(spans).toHaveLength(4);
  });

  it('[INV-LOG-LIFECYCLE] has one line for each of its events, with the ids that lead from one log to the other', async () => {
    const { alertId } = await post({ 'x-request-id': 'request-of-mine' }, 'LOGGED-1');
    await until('both lines', async () => {
      const found = (await lines('sink')).filter((line) => line['alert_id'] === alertId);
      return found.length >= 2 ? found : undefined;
    });
    // Another alert goes through after it, so whatever would be repeated has been by then.
    const { alertId: later } = await post({}, 'LOGGED-2');
    await until('the later line', async () => (await lines('sink')).find((line) => line['alert_id'] === later));
    const found = (await lines('sink')).filter((line) => line['alert_id'] === alertId);
    expect(found.map((line) => line['event_id'])).toEqual([`${alertId}:1`, `${alertId}:2`]);
    for (const line of found) {
      expect(line).toMatchObject({
        ...{ level: 'info', service: 'sink', module: 'lifecycle', driver_id: 'LOGGED-1' },
        ...{ request_id: 'request-of-mine', duration_ms: expect.any(Number) as unknown },
        trace_id: expect.stringMatching(/^[\da-f]{32}$/) as unknown,
      });
      expect(Date.parse(String(line['timestamp']))).toBeGreaterThan(0);
    }
    expect(found.map((line) => line['message'])).toEqual(['CREATED', 'ESCALATED']);
    const request = (await lines('gateway')).find((line) => line['request_id'] === 'request-of-mine');
    expect(request).toMatchObject({ alert_id: alertId, driver_id: 'LOGGED-1', trace_id: found[0]?.['trace_id'] });
    expect(await processes.log('sink')).not.toContain('hunter2');
    // The trace was not sampled, so there are ids in the logs and no spans.
    expect(receiver.ofTrace(String(found[0]?.['trace_id']))).toEqual([]);
  });

  it('[INV-TRACE-ERRORS] is traced where it fails, although nothing is sampled', async () => {
    const kafka = new KafkaLogClient({ ...readKafkaConnection(process.env), clientId: 'test', logger: silentLogger });
    const { rawAlerts, alertEvents } = topicNames(prefix);
    const producer = kafka.plainProducer();
    for (const topic of [rawAlerts, alertEvents])
      await producer.send([{ topic, partition: 0, key: Buffer.from('driver'), value: Buffer.from('no Avro at all') }]);
    await kafka.close();
    for (const service of ['processor', 'sink']) {
      const span = await until(`a failed span of the ${service}`, () =>
        named(receiver.spans, 'dead letter').find((each) => each.service === service),
      );
      expect(span.isError).toBe(true);
      expect(span.attributes).toMatchObject({ 'streams.error.stage': 'deserialization' });
    }
    expect(receiver.refused).toEqual([]);
  });
});
