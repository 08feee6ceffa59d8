/**
 * The place in a trace as headers of a record, under the names that HTTP has for it.
 *
 * Invariant: other headers stay as they are, in their order.
 */
import type { HeaderList } from '../../streams/record.ts';
import type { TraceCarrier } from './tracing.ts';

export const TRACE_PARENT = 'traceparent';
export const TRACE_STATE = 'tracestate';

const text = new TextDecoder();
const bytes = new TextEncoder();

/** The header's value as text; undefined where there is none. */
export const headerText = (headers: HeaderList | undefined, name: string): string | undefined => {
  const found = headers?.find(([known]) => known === name);
  return found === undefined ? undefined : text.decode(found[1]);
};

/** Undefined when the headers name no trace. */
export const carrierOf = (headers: HeaderList | undefined): TraceCarrier | undefined => {
  const traceparent = headerText(headers, TRACE_PARENT);
  if (traceparent === undefined) return undefined;
  const tracestate = headerText(headers, TRACE_STATE);
  return { traceparent, ...(tracestate !== undefined && { tracestate }) };
};

/** Whether the trace is sampled, by the flags of its `traceparent`. */
export const isSampled = ({ traceparent = '' }: TraceCarrier): boolean =>
  (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;

/** The trace's id, without a look at whether anything else of it is right. */
export const traceIdOf = ({ traceparent = '' }: TraceCarrier): string | undefined =>
  /^[\da-f]{2}-([\da-f]{32})-/.exec(traceparent)?.[1];

export const toHeaders = ({ traceparent, tracestate }: TraceCarrier): HeaderList => [
  ...(traceparent === undefined ? [] : [[TRACE_PARENT, bytes.encode(traceparent)] as const]),
  ...(tracestate === undefined ? [] : [[TRACE_STATE, bytes.encode(tracestate)] as const]),
];

/** The headers with another place in the trace. */
export const withCarrier = (headers: HeaderList, carrier: TraceCarrier): HeaderList => [
  ...headers.filter(([name]) => name !== TRACE_PARENT && name !== TRACE_STATE),
  ...toHeaders(carrier),
];
