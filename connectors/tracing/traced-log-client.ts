/**
 * A log client whose records are traced: put around the client of a stream thread, so that the engine knows nothing of traces.
 *
 * A sampled record gets a span from being fetched to being committed, and its place in the trace goes on with what the engine makes of
 * it, since results carry their record's headers. A dead letter is a span that failed, sampled or not.
 *
 * Invariant: every call goes through as it is; only headers of sampled records change.
 */
import type { GroupConsumer, LogClient, TransactionalProducer } from '../../streams/ports.ts';
import type { HeaderList } from '../../streams/record.ts';
import { OpenSpans } from './open-spans.ts';
import { carrierOf } from './trace-headers.ts';
import type { Tracing } from './tracing.ts';

const EXCEPTION_HEADER = '__streams.errors.exception';
const ERROR_PREFIX = '__streams.errors.';
const SHOWN = ['code', 'stage', 'topic', 'partition', 'offset'];

const text = new TextDecoder();

const tracedConsumer = (inner: GroupConsumer, spans: OpenSpans): GroupConsumer => ({
  rejoin: async (userData) => {
    const assignment = await inner.rejoin(userData);
    spans.keep(assignment);
    return assignment;
  },
  poll: async (timeoutMs) => {
    const polled = await inner.poll(timeoutMs);
    if (polled.kind === 'rebalance') return polled;
    return { kind: 'records', batches: polled.batches.map((batch) => spans.take(batch)) };
  },
  seek: (partition, offset) => {
    spans.forget(partition);
    inner.seek(partition, offset);
  },
  wakeup: () => inner.wakeup(),
  committed: (partitions) => inner.committed(partitions),
  pause: (partitions) => inner.pause(partitions),
  resume: (partitions) => inner.resume(partitions),
  close: () => inner.close(),
});

/** A span for a record that could not be processed, from what its dead letter says. */
export const traceDeadLetter = (tracing: Tracing, headers: HeaderList | undefined): void => {
  const told = new Map(headers?.map(([name, value]) => [name, value]));
  const type = told.get(EXCEPTION_HEADER);
  if (type === undefined) return;
  const span = tracing.start('dead letter', 'producer', carrierOf(headers));
  for (const name of SHOWN) {
    const value = told.get(ERROR_PREFIX + name);
    if (value !== undefined) span.set(`streams.error.${name}`, text.decode(value));
  }
  const error = new Error(text.decode(told.get(`${ERROR_PREFIX}message`)));
  error.name = text.decode(type);
  span.fail(error);
  span.end();
};

const tracedProducer = (inner: TransactionalProducer, spans: OpenSpans, tracing: Tracing): TransactionalProducer => ({
  init: () => inner.init(),
  append: (topic, partition, key, value, timestampMs, headers) => {
    inner.append(topic, partition, key, value, timestampMs, headers);
    if (headers?.some(([name]) => name === EXCEPTION_HEADER) === true) traceDeadLetter(tracing, headers);
  },
  mark: () => inner.mark(),
  truncate: (mark) => inner.truncate(mark),
  get pendingBytes() {
    return inner.pendingBytes;
  },
  commit: async (groupId, inputPositions) => {
    try {
      const written = await inner.commit(groupId, inputPositions);
      spans.settle(inputPositions);
      return written;
    } catch (error) {
      spans.settle(inputPositions, { error });
      throw error;
    }
  },
  abort: () => inner.abort(),
  close: () => inner.close(),
});

export const tracedLogClient = (inner: LogClient, tracing: Tracing): LogClient => {
  const spans = new OpenSpans(tracing);
  return {
    consumer: (options) => tracedConsumer(inner.consumer(options), spans),
    producer: (transactionalId) => tracedProducer(inner.producer(transactionalId), spans, tracing),
    plainProducer: () => inner.plainProducer(),
    reader: () => inner.reader(),
    admin: () => inner.admin(),
    close: () => inner.close(),
  };
};
