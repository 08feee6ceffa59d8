/**
 * The last span of an alert's trace: its event goes into the tables.
 *
 * Invariant: a span begins with the transaction that stored the event and ends after it; events of traces that are not sampled have
 * none.
 */
import type { LogProducer } from '../connectors/log.ts';
import { carrierOf, isSampled } from '../connectors/tracing/trace-headers.ts';
import { traceDeadLetter } from '../connectors/tracing/traced-log-client.ts';
import type { Tracing } from '../connectors/tracing/tracing.ts';
import type { ApplyObserver } from './ports.ts';

export const tracedApplies = (tracing: Tracing): ApplyObserver<unknown> => ({
  applied: ({ topic, partition }, events, startMs) => {
    for (const { record } of events) {
      const parent = carrierOf(record.headers);
      if (parent === undefined || !isSampled(parent)) continue;
      const attributes = {
        'db.system.name': 'mysql',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': record.offset,
        'db.operation.batch.size': events.length,
      };
      tracing.start(`store ${topic}`, 'consumer', parent, { attributes, startMs }).end();
    }
  },
});

/** The producer of dead letters: each of them is a span that failed. */
export const tracedDeadLetters = (inner: LogProducer, tracing: Tracing): LogProducer => ({
  send: (records) => {
    for (const { headers } of records) traceDeadLetter(tracing, headers);
    return inner.send(records);
  },
  close: () => inner.close(),
});
