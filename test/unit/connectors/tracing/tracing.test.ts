/** What is traced and what is not, as a real collector receives it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tracingOf } from '../../../../connectors/config/tracing.ts';
import {
  carrierOf,
  isSampled,
  toHeaders,
  traceIdOf,
  withCarrier,
} from '../../../../connectors/tracing/trace-headers.ts';
import { startTracing, type Tracing } from '../../../../connectors/tracing/tracing.ts';
import { OtlpReceiver } from '../../../support/otlp-receiver.ts';

const SAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const NOT_SAMPLED = '00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

let receiver: OtlpReceiver;
let tracing: Tracing;

const trace = (ratio: number): void => {
  tracing = startTracing({ service: 'test', url: `${receiver.endpoint}/v1/traces`, ratio, delayMs: 10 });
};

beforeEach(async () => void (receiver = await OtlpReceiver.start()));
afterEach(async () => receiver.close());

describe('tracing', () => {
  it('is off unless a collector is named, and says which value is not allowed', async () => {
    expect(await tracingOf({}, 'test')).toBeUndefined();
    await expect(tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' }, 'test')).rejects.toThrow('OTEL_EXPORTER');
    const ratio = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_TRACES_SAMPLER_ARG: '1.5' };
    await expect(tracingOf(ratio, 'test')).rejects.toThrow('a number from 0 to 1');
  });

  it('samples about the share that is asked for, by default a tenth', async () => {
    const config = await tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint }, 'test');
    if (config === undefined) throw new Error('tracing is off');
    tracing = config;
    const spans = Array.from({ length: 2_000 }, () => tracing.start('root', 'server'));
    for (const span of spans) span.end();
    const sampled = spans.filter(({ carrier }) => isSampled(carrier));
    await tracing.close();
    expect(sampled.length).toBeGreaterThan(100);
    expect(sampled.length).toBeLessThan(320);
    expect(receiver.spans.map(({ traceId }) => traceId).toSorted()).toEqual(
      sampled.map(({ traceId }) => traceId).toSorted(),
    );
    expect(receiver.refused).toEqual([]);
  });

  it('goes on with the trace of the caller, sampled or not, and carries its state along', async () => {
    trace(1);
    const child = tracing.start('child', 'consumer', { traceparent: SAMPLED, tracestate: 'vendor=1' });
    child.set('size', 3);
    expect(child.carrier).toEqual({
      traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-[\da-f]{16}-01$/) as unknown,
      tracestate: 'vendor=1',
    });
    child.end();
    tracing.start('silent', 'consumer', { traceparent: NOT_SAMPLED }).end();
    await tracing.close();
    expect(receiver.spans).toEqual([
      expect.objectContaining({
        service: 'test',
        name: 'child',
        traceId: '0af7651916cd43dd8448eb211c80319c',
        parentSpanId: 'b7ad6b7169203331',
        isError: false,
        attributes: { size: 3 },
      }),
    ]);
  });

  it('[INV-TRACE-ERRORS] sends a span that failed although its trace is not sampled, without secrets', async () => {
    trace(0);
    const failed = tracing.start('failed', 'internal', { traceparent: NOT_SAMPLED });
    failed.fail(new TypeError('no route to mysql://alerts:hunter2@db/alerts'));
    failed.end();
    tracing.start('root', 'server').end();
    await tracing.close();
    expect(receiver.spans).toEqual([
      expect.objectContaining({ name: 'failed', isError: true, traceId: '1af7651916cd43dd8448eb211c80319c' }),
    ]);
    expect(receiver.spans[0]?.message).toContain('no route to');
    expect(JSON.stringify(receiver.spans[0]?.message)).not.toContain('hunter2');
  });

  it('begins a trace of its own where the caller’s cannot be read', async () => {
    trace(1);
    const span = tracing.start('root', 'server', { traceparent: 'rubbish' });
    expect(span.traceId).toMatch(/^[\da-f]{32}$/);
    span.end();
    await tracing.close();
    expect(receiver.spans[0]?.parentSpanId).toBeUndefined();
  });

  it('ends although the collector is away', async () => {
    trace(1);
    await receiver.close();
    tracing.start('lost', 'server').end();
    await tracing.close();
    receiver = await OtlpReceiver.start();
  }, 20_000);
});

describe('the headers of a record', () => {
  it('hold the place in the trace beside everything else', () => {
    const other = ['x-request-id', Buffer.from('r')] as const;
    const first = withCarrier([other], { traceparent: SAMPLED, tracestate: 'a=1' });
    expect(carrierOf(first)).toEqual({ traceparent: SAMPLED, tracestate: 'a=1' });
    const second = withCarrier(first, { traceparent: NOT_SAMPLED });
    expect(carrierOf(second)).toEqual({ traceparent: NOT_SAMPLED });
    expect(second[0]).toBe(other);
    expect(second).toHaveLength(2);
    expect([SAMPLED, NOT_SAMPLED].map((traceparent) => isSampled({ traceparent }))).toEqual([true, false]);
    expect(traceIdOf({ traceparent: SAMPLED })).toBe('0af7651916cd43dd8448eb211c80319c');
    expect([carrierOf(undefined), carrierOf([other]), traceIdOf({ traceparent: '' })]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(toHeaders({})).toEqual([]);
  });
});
