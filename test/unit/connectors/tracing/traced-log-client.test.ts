/** The engine's client with traces around it: on the log in memory, with spans kept here. */
import { describe, expect, it } from 'vitest';
import { OpenSpans } from '../../../../connectors/tracing/open-spans.ts';
import { tracedLogClient } from '../../../../connectors/tracing/traced-log-client.ts';
import type { SpanRole, TraceCarrier, Tracing } from '../../../../connectors/tracing/tracing.ts';
import type { FetchedBatch } from '../../../../connectors/log.ts';
import { deadLetterHeaders, RetriableLogError } from '../../../../connectors/log.ts';
import { evenAssignor } from '../../../../connectors/even-assignor.ts';
import { systemClock } from '../../../../connectors/system-clock.ts';
import { InMemoryLog } from '../../../../streams/testing/in-memory-log.ts';

interface KeptSpan {
  readonly name: string;
  readonly role: SpanRole;
  readonly parent: TraceCarrier | undefined;
  failure: unknown;
  ended: boolean;
}

const parentOf = (flags: string): string => `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`;

class KeptTracing implements Tracing {
  readonly spans: KeptSpan[] = [];

  start(name: string, role: SpanRole, parent?: TraceCarrier) {
    const span: KeptSpan = { name, role, parent, failure: undefined, ended: false };
    this.spans.push(span);
    return {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      carrier: { traceparent: `00-0af7651916cd43dd8448eb211c80319c-${String(this.spans.length).padStart(16, '0')}-01` },
      set: () => undefined,
      fail: (error: unknown) => void (span.failure = error),
      end: () => void (span.ended = true),
    };
  }

  async close(): Promise<void> {}
}

const header = (flags: string) => [['traceparent', Buffer.from(parentOf(flags))] as const];
const batch = (headers: readonly (readonly (readonly [string, Uint8Array])[] | undefined)[]): FetchedBatch => ({
  topic: 'input',
  partition: 0,
  records: headers.map((each, offset) => ({ offset, timestampMs: 0, key: null, value: null, headers: each })),
  nextOffset: headers.length,
  endOffset: headers.length,
  logAppendTime: false,
});

const world = async () => {
  const tracing = new KeptTracing();
  const log = new InMemoryLog({ clock: systemClock });
  log.createTopics(['input', 'output', 'dead'].map((name) => ({ name, partitions: 1, config: {} })));
  const plain = log.client('sender').plainProducer();
  for (const flags of ['01', '00']) {
    await plain.send([{ topic: 'input', partition: 0, key: null, value: null, headers: header(flags) }]);
  }
  await plain.send([{ topic: 'input', partition: 0, key: null, value: Buffer.from('bare') }]);
  const client = tracedLogClient(log.client('app'), tracing);
  const consumer = client.consumer({
    ...{ groupId: 'app', clientId: 'app', topics: ['input'], assignor: evenAssignor, sessionTimeoutMs: 10_000 },
  });
  await consumer.rejoin(new Uint8Array(0));
  consumer.seek({ topic: 'input', partition: 0 }, 0);
  consumer.resume([{ topic: 'input', partition: 0 }]);
  const producer = client.producer('app-0');
  await producer.init();
  const polled = await consumer.poll(1_000);
  const records = polled.kind === 'records' ? polled.batches.flatMap((each) => each.records) : [];
  return { tracing, log, consumer, producer, records };
};

const input = (offset: number) => [{ topic: 'input', partition: 0, offset }];

describe('a traced log client', () => {
  it('gives a sampled record a span until its transaction is committed, and hands its place on', async () => {
    const { tracing, producer, records } = await world();
    expect(tracing.spans.map(({ name, role, parent }) => [name, role, parent])).toEqual([
      ['process input', 'consumer', { traceparent: parentOf('01') }],
    ]);
    const texts = records.map(({ headers }) => headers?.map(([, value]) => Buffer.from(value).toString()));
    expect(texts).toEqual([
      ['00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01'],
      [parentOf('00')],
      records[2]?.headers === undefined ? undefined : [],
    ]);
    producer.append('output', 0, null, null, 0, records[0]?.headers);
    expect(tracing.spans[0]?.ended).toBe(false);
    await producer.commit('app', input(1));
    expect(tracing.spans[0]).toMatchObject({ ended: true, failure: undefined });
  });

  it('[INV-TRACE-ERRORS] makes a failed span of every dead letter, also of one without a trace', async () => {
    const { tracing, producer, records } = await world();
    for (const raw of [records[1], records[2]]) {
      if (raw === undefined) throw new Error('nothing was read');
      const error = new RetriableLogError('BAD', 'this cannot be read');
      const failed = { stage: 'processing', error, source: { topic: 'input', partition: 0, offset: raw.offset }, raw };
      producer.append('dead', 0, null, null, 0, deadLetterHeaders(failed, 'app', 0));
    }
    const letters = tracing.spans.filter(({ name }) => name === 'dead letter');
    expect(letters.map(({ parent }) => parent)).toEqual([{ traceparent: parentOf('00') }, undefined]);
    expect(letters.map(({ failure }) => (failure as Error).message)).toEqual(Array(2).fill('this cannot be read'));
    expect(letters.every(({ ended }) => ended)).toBe(true);
  });

  it('ends the spans of a transaction that did not commit as failed', async () => {
    const { tracing, producer, log } = await world();
    await log.client('other').producer('app-0').init();
    await expect(producer.commit('app', input(1))).rejects.toThrow();
    expect(tracing.spans[0]).toMatchObject({ ended: true, failure: expect.any(Error) as unknown });
  });
});

describe('open spans', () => {
  it('are bounded, and a batch without headers stays as it is', () => {
    const spans = new OpenSpans(new KeptTracing());
    const bare = batch([undefined, undefined]);
    expect(spans.take(bare)).toBe(bare);
    const many = batch(Array.from({ length: 10_001 }, () => header('01')));
    const taken = spans.take(many);
    expect(spans.size).toBe(10_000);
    expect(taken.records.at(-1)).toBe(many.records.at(-1));
    spans.settle(input(9_000));
    expect(spans.size).toBe(1_000);
    spans.forget({ topic: 'input', partition: 0 });
    expect(spans.size).toBe(0);
  });

  it('are forgotten with the partitions that go elsewhere, and counted once when read again', () => {
    const tracing = new KeptTracing();
    const spans = new OpenSpans(tracing);
    spans.take(batch([header('01')]));
    spans.take(batch([header('01')]));
    expect(spans.size).toBe(1);
    spans.keep([{ topic: 'input', partition: 0 }]);
    expect(spans.size).toBe(1);
    spans.keep([]);
    expect(spans.size).toBe(0);
    expect(tracing.spans.some(({ ended }) => ended)).toBe(false);
  });
});
