/**
 * Traces of single alerts on their way through the processes, by OpenTelemetry and W3C Trace Context.
 *
 * Whoever traces is handed a `Tracing`; where tracing is off there is none, and the code that would call it is not there either.
 *
 * Invariant [INV-TRACE-ERRORS]: a trace is sampled once, where it begins, by its id, and everybody after follows that; a span that
 * failed is exported whether its trace was sampled or not.
 */
import {
  type Attributes,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  createAlwaysRecordSampler,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { redactText } from '../observability/redact.ts';

/** The place of a span in its trace, as it travels: W3C `traceparent` and, where the caller had one, `tracestate`. */
export interface TraceCarrier {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export type SpanRole = 'server' | 'producer' | 'consumer' | 'internal';

export interface SpanOptions {
  readonly attributes?: Attributes;
  /** UTC epoch milliseconds; left out: this moment. */
  readonly startMs?: number;
}

export interface TraceSpan {
  readonly traceId: string;
  /** For whatever is done on behalf of this span elsewhere. */
  readonly carrier: TraceCarrier;
  set(name: string, value: string | number): void;
  /** The span is exported even when its trace is not. */
  fail(error: unknown): void;
  /** Once. */
  end(): void;
}

export interface Tracing {
  /** Begins a span; without a parent, or with one that cannot be read, also a trace. */
  start(name: string, role: SpanRole, parent?: TraceCarrier, options?: SpanOptions): TraceSpan;
  /** Sends what waits, for a few seconds at most; does not reject. */
  close(): Promise<void>;
}

export interface TracingOptions {
  readonly service: string;
  /** Where spans go by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** The share of traces that is sampled, from 0 to 1. */
  readonly ratio: number;
  /** How long spans wait to be sent together. */
  readonly delayMs?: number;
}

const DEFAULT_DELAY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;
/** Spans that wait to be sent; beyond it they are dropped, so that a collector that is away costs nothing but its traces. */
const MAX_QUEUED_SPANS = 4_096;

const KINDS: Readonly<Record<SpanRole, SpanKind>> = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

const propagator = new W3CTraceContextPropagator();

/** The span as one of a sampled trace: exporters leave every other out. */
const sampled = (span: ReadableSpan): ReadableSpan =>
  Object.create(span, {
    spanContext: {
      value: () => {
        const context = span.spanContext();
        return { ...context, traceFlags: context.traceFlags | TraceFlags.SAMPLED };
      },
    },
  }) as ReadableSpan;

const failuresAlways = (next: SpanProcessor): SpanProcessor => ({
  onStart: (span, context) => next.onStart(span, context),
  onEnd: (span) => next.onEnd(span.status.code === SpanStatusCode.ERROR ? sampled(span) : span),
  forceFlush: () => next.forceFlush(),
  shutdown: () => next.shutdown(),
});

class OtelSpan implements TraceSpan {
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get carrier(): TraceCarrier {
    const carrier: { traceparent?: string; tracestate?: string } = {};
    propagator.inject(trace.setSpan(ROOT_CONTEXT, this.#span), carrier, defaultTextMapSetter);
    return carrier;
  }

  set(name: string, value: string | number): void {
    this.#span.setAttribute(name, value);
  }

  fail(error: unknown): void {
    const message = redactText(error instanceof Error ? error.message : String(error));
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
    this.#span.setAttribute('error.type', error instanceof Error ? error.name : 'Error');
  }

  end(): void {
    this.#span.end();
  }
}

class OtelTracing implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  constructor({ service, url, ratio, delayMs = DEFAULT_DELAY_MS }: TracingOptions) {
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
    const batches = new BatchSpanProcessor({
      exporter,
      maxQueueSize: MAX_QUEUED_SPANS,
      scheduledDelayMillis: delayMs,
      exportTimeoutMillis: EXPORT_TIMEOUT_MS,
    });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': service }),
      sampler: createAlwaysRecordSampler(new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) })),
      spanProcessors: [failuresAlways(batches)],
    });
    this.#tracer = this.#provider.getTracer('alert-escalation');
  }

  start(name: string, role: SpanRole, parent: TraceCarrier = {}, options: SpanOptions = {}): TraceSpan {
    const context = propagator.extract(ROOT_CONTEXT, parent, defaultTextMapGetter);
    const { attributes = {}, startMs } = options;
    const startTime = startMs === undefined ? {} : { startTime: startMs };
    return new OtelSpan(this.#tracer.startSpan(name, { kind: KINDS[role], attributes, ...startTime }, context));
  }

  async close(): Promise<void> {
    try {
      await this.#provider.shutdown();
    } catch {
      // The collector is away: the last spans are lost, and a process must not end any worse for that.
    }
  }
}

export const startTracing = (options: TracingOptions): Tracing => new OtelTracing(options);
