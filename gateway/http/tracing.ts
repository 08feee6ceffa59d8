/**
 * A span for every request, as part of the caller's trace where the request names one.
 *
 * Invariant: where tracing is off there is no hook, so a request costs what it costs without.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { HeaderList } from '../../connectors/log.ts';
import { toHeaders } from '../../connectors/tracing/trace-headers.ts';
import type { TraceCarrier, Tracing, TraceSpan } from '../../connectors/tracing/tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined where tracing is off, and for probes. */
    span: TraceSpan | undefined;
  }
}

const carrierOf = ({ headers }: FastifyRequest): TraceCarrier => {
  const { traceparent, tracestate } = headers;
  return {
    ...(typeof traceparent === 'string' && { traceparent }),
    ...(typeof tracestate === 'string' && { tracestate }),
  };
};

/** Before anything else looks at a request. */
export const traceRequests = (app: FastifyInstance, tracing: Tracing | undefined): void => {
  app.decorateRequest('span', undefined);
  if (tracing === undefined) return;
  app.addHook('onRequest', (request, _reply, done) => {
    const { url: route = 'unmatched', config } = request.routeOptions;
    if (config.access !== 'open') {
      request.span = tracing.start(`${request.method} ${route}`, 'server', carrierOf(request), {
        attributes: { 'http.request.method': request.method, 'http.route': route, 'request.id': request.id },
      });
    }
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    request.span?.set('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) request.span?.fail(new Error(`answered ${reply.statusCode}`));
    request.span?.end();
    done();
  });
};

const REQUEST_ID = 'x-request-id';

/** What the record of an alert carries on: the request's id and its place in the trace. */
export const recordHeaders = ({ id, span }: Pick<FastifyRequest, 'id' | 'span'>): HeaderList => [
  [REQUEST_ID, Buffer.from(id)],
  ...(span === undefined ? [] : toHeaders(span.carrier)),
];
