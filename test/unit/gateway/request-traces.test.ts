/** Spans of requests, at a real collector. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTracing, type Tracing } from '../../../connectors/tracing/tracing.ts';
import { OtlpReceiver } from '../../support/otlp-receiver.ts';
import { body, World } from './http-world.ts';
import { RAW } from './support.ts';

const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let receiver: OtlpReceiver;
let tracing: Tracing;
let world: World;

beforeEach(async () => {
  receiver = await OtlpReceiver.start();
  tracing = startTracing({ service: 'gateway', url: `${receiver.endpoint}/v1/traces`, ratio: 0, delayMs: 10 });
  world = new World();
  await world.start({}, { tracing });
});
afterEach(async () => {
  await world.close();
  await receiver.close();
});

const headersOfRecords = (): Record<string, string>[] =>
  [0, 1].flatMap((partition) =>
    world.log
      .records({ topic: RAW, partition })
      .map(({ headers = [] }) =>
        Object.fromEntries(headers.map(([name, value]) => [name, Buffer.from(value).toString()])),
      ),
  );

describe('a request', () => {
  it('is a span of its caller’s trace by route and status, and its record goes on with it', async () => {
    const answer = await world.post(body, { traceparent: CALLER, tracestate: 'vendor=1', 'x-request-id': 'mine' });
    expect(answer.statusCode).toBe(201);
    await tracing.close();
    expect(receiver.spans).toHaveLength(1);
    const [span] = receiver.spans;
    expect(span).toMatchObject({ name: 'POST /process-alert', parentSpanId: 'b7ad6b7169203331', isError: false });
    expect(span?.attributes).toMatchObject({ 'http.response.status_code': 201, 'request.id': 'mine' });
    expect(headersOfRecords()).toEqual([
      {
        'x-request-id': 'mine',
        traceparent: `00-0af7651916cd43dd8448eb211c80319c-${span?.spanId}-01`,
        tracestate: 'vendor=1',
      },
    ]);
  });

  it('[INV-TRACE-ERRORS] that fails is sent although nothing is sampled; one that is refused is not a failure', async () => {
    await world.post({});
    await world.get('/live');
    world.readModel.fault = new Error('broken');
    expect((await world.get('/v1/alerts/known')).statusCode).toBe(500);
    await tracing.close();
    expect(receiver.spans.map(({ name, isError }) => [name, isError])).toEqual([['GET /v1/alerts/:id', true]]);
  });

  it('that is not sampled still names its trace in the log and in its record', async () => {
    await world.post(body);
    const [headers] = headersOfRecords();
    const traceId = headers?.['traceparent']?.slice(3, 35);
    expect(headers?.['traceparent']).toMatch(/-00$/);
    const line = world.logger.lines.find(({ message }) => message === 'request');
    expect(line?.fields).toMatchObject({
      trace_id: traceId,
      alert_id: expect.any(String) as unknown,
      driver_id: 'TEST-02',
    });
    await tracing.close();
    expect(receiver.spans).toEqual([]);
  });
});
