/**
 * The HTTP server without its routes: parsing, errors, request ids, log lines and metrics, the same for every route.
 *
 * Invariant [INV-GATEWAY-REQUEST-ID]: every response carries `X-Request-ID` and every log line about a request its id, also where
 * the request was refused before it reached a route.
 */
import type { Socket } from 'node:net';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import type { LogFields, Logger, Metrics } from '../../connectors/log.ts';
import { JsonTextError, parseExactJson } from '../alerts/exact-json.ts';
import { ApiError, errorBody } from './api-error.ts';
import { toApiError } from './error-mapping.ts';
import { requestId } from './request-id.ts';
import type {} from './tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent. */
    rawBody: Buffer | undefined;
    /** What the request is about, for its log line. */
    subject: LogFields | undefined;
  }
}

export interface HttpServerOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly bodyLimitBytes: number;
  /** Longest time to receive a request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Proxies whose word about the client's address is taken. */
  readonly trustedProxies: readonly string[];
  /** Certificate chain and private key (PEM): HTTPS in place of HTTP. */
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
  readonly newRequestId: () => string;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

const parseBody = (body: Buffer): unknown => {
  try {
    return parseExactJson(strictUtf8.decode(body));
  } catch (error) {
    const problem = error instanceof JsonTextError ? error.message : 'is not UTF-8 text';
    throw new ApiError(400, 'INVALID_JSON', `The body cannot be read: ${problem}.`, { cause: error });
  }
};

/** What every line about a request names. */
const contextOf = ({ id, span, subject }: FastifyRequest): LogFields => ({
  request_id: id,
  ...(span !== undefined && { trace_id: span.traceId }),
  ...subject,
});

const sendError = (error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void => {
  const apiError = toApiError(error);
  if (apiError.statusCode >= 500) {
    logger.error('request failed', { ...contextOf(request), code: apiError.code, err: apiError.cause ?? apiError });
  }
  if (apiError.retryAfterSeconds !== undefined) reply.header('retry-after', String(apiError.retryAfterSeconds));
  if (apiError.statusCode === 401) reply.header('www-authenticate', 'Bearer');
  void reply
    .code(apiError.statusCode)
    .header('x-request-id', request.id)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(errorBody(apiError, request.id));
};

/** Answers what is not HTTP, or too much of it, before any request exists. */
const refuseConnection = (error: NodeJS.ErrnoException, socket: Socket, newRequestId: () => string): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'HEADERS_TOO_LARGE']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'REQUEST_TIMEOUT']
        : ['400 Bad Request', 'MALFORMED_HTTP'];
  const id = newRequestId();
  const body = JSON.stringify(errorBody(new ApiError(400, code, 'The request is not acceptable HTTP.'), id));
  const head = [`HTTP/1.1 ${status}`, `X-Request-ID: ${id}`, 'Content-Type: application/json', 'Connection: close'];
  socket.end(`${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
};

const observe = (app: FastifyInstance, { logger, metrics }: HttpServerOptions): void => {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    metrics.counter('gateway_http_requests_total', labels).add(1);
    metrics.histogram('gateway_http_request_duration_ms', labels).record(reply.elapsedTime);
    const fields = { ...contextOf(request), ...labels, duration_ms: Math.round(reply.elapsedTime * 10) / 10 };
    // Probes ask every few seconds for ever; what they find is told when it changes.
    if (request.routeOptions.config.access === 'open') logger.debug('request', fields);
    else logger.info('request', fields);
    done();
  });
};

/** An answer that is sent while the server closes is its connection's last, or an idle client would hold the server up. */
const closeConnectionsAtTheEnd = (app: FastifyInstance): void => {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) reply.header('connection', 'close');
    done();
  });
};

/** The framework's type of an HTTPS server is another one, though it serves the same requests. */
const encryption = ({ tlsCertificate: cert, tlsKey: key }: HttpServerOptions): FastifyServerOptions =>
  cert === undefined || key === undefined
    ? {}
    : ({ https: { cert, key, minVersion: 'TLSv1.2' } } as FastifyServerOptions);

export const createHttpServer = (options: HttpServerOptions): FastifyInstance => {
  const { logger, newRequestId, trustedProxies } = options;
  const app = Fastify({
    ...encryption(options),
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: options.requestTimeoutMs,
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers['x-request-id'], newRequestId),
    // A request that arrives while the server closes is still served; its connection is closed after it.
    return503OnClosing: false,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true } },
    frameworkErrors: (error, request, reply) => sendError(error, request, reply as unknown as FastifyReply, logger),
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, newRequestId),
  });
  app.decorateRequest('rawBody', undefined);
  app.decorateRequest('client', undefined);
  app.decorateRequest('subject', undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    request.rawBody = body;
    return parseBody(body);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    done();
  });
  closeConnectionsAtTheEnd(app);
  observe(app, options);
  app.setErrorHandler<FastifyError>((error, request, reply) => sendError(error, request, reply, logger));
  app.setNotFoundHandler((request, reply) => {
    sendError(new ApiError(404, 'NOT_FOUND', 'There is nothing at this address.'), request, reply, logger);
  });
  return app;
};
