/**
 * One connection to one broker. Requests are written in the order of the calls and the broker answers in that order.
 *
 * Invariants: a request always settles, by its answer, by a fault of the connection or by its own deadline; a link that had
 * a fault is never used again, because kafkajs lets requests into a connection that is being closed and forgets them.
 */
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { FatalLogError } from '../../streams/errors.ts';
import type { KafkaConfig } from './config.ts';
import {
  Broker,
  ConnectionPool,
  type KafkaJsBroker,
  type KafkaJsConnection,
  type KafkaJsLogger,
  type SocketFactory,
} from './kafkajs-internals.ts';
import type { Api } from './protocol/api.ts';
import { WireReader, WireWriter } from './protocol/wire.ts';

/** The connection failed or the broker did not answer in time: whether it took the request is unknown. */
export class ConnectionFault extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ConnectionFault';
  }
}

const AUTHENTICATION_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_AFTER_MS = 60_000;
/** kafkajs watches over requests too; over those of this link it must not be faster than the link itself. */
const KAFKAJS_TIMEOUT_FACTOR = 10;

/** Small requests must leave at once: the operating system's collecting of small packets would cost 40 ms each. */
const socketFactory: SocketFactory = ({ host, port, ssl, onConnect }) => {
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
  return socket;
};

const faultOf = (cause: unknown, address: string): Error => {
  if (cause instanceof ConnectionFault) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const name = cause instanceof Error ? cause.name : '';
  if (name.includes('SASL')) {
    return new FatalLogError('AUTHENTICATION_FAILED', `Kafka at ${address} refused the credentials: ${message}`, {
      cause,
    });
  }
  return new ConnectionFault(`The connection to Kafka at ${address} failed: ${message}`, { cause });
};

export class BrokerLink {
  readonly address: string;
  private readonly broker: KafkaJsBroker;
  private readonly connection: KafkaJsConnection;
  private readonly clientId: string;
  private readonly requestTimeoutMs: number;
  private readonly inFlight = new Set<(fault: Error) => void>();
  private opening: Promise<void> | undefined;
  private opened = false;
  private fault: Error | undefined;

  constructor(host: string, port: number, config: KafkaConfig, logger: KafkaJsLogger) {
    this.address = `${host}:${port}`;
    this.clientId = config.clientId;
    this.requestTimeoutMs = config.requestTimeoutMs;
    const connectionPool = new ConnectionPool({
      host,
      port,
      ssl: config.ssl,
      sasl: config.sasl,
      clientId: config.clientId,
      connectionTimeout: config.connectionTimeoutMs,
      // Bounds what kafkajs asks on its own while it connects: versions and credentials.
      requestTimeout: config.connectionTimeoutMs,
      socketFactory,
      logger,
    });
    this.connection = connectionPool.pool[0] as KafkaJsConnection;
    this.broker = new Broker({
      connectionPool,
      logger,
      authenticationTimeout: AUTHENTICATION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
    });
  }

  /** False once it had a fault or was closed, or when the broker closed it for being idle. */
  get usable(): boolean {
    return this.fault === undefined && (!this.opened || this.connection.connectionStatus === 'connected');
  }

  /** Connects and authenticates; calls share one attempt. */
  async open(): Promise<void> {
    this.opening ??= this.broker.connect();
    try {
      await this.opening;
      this.opened = true;
      if (this.fault) {
        this.tearDown(this.fault);
        throw this.fault;
      }
      if (this.connection.sasl && !this.connection.isAuthenticated()) await this.connection.authenticate();
    } catch (cause) {
      const fault = faultOf(cause, this.address);
      this.discard(fault);
      throw fault;
    }
  }

  /**
   * Sends a request over the open connection; calls made one after another, without waiting, are sent in that order.
   * Rejects with `ConnectionFault`. `timeoutMs` is for a request that may wait at the broker, or must not wait for long.
   */
  async request<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs = this.requestTimeoutMs,
  ): Promise<Response> {
    this.checkVersion(api);
    const payload = await this.exchange(api, this.frame(api, request), timeoutMs);
    const reader = new WireReader(payload);
    if (api.flexible) reader.skipTags();
    return api.read(reader);
  }

  private checkVersion(api: Api<never, unknown>): void {
    const range = this.broker.versions?.[api.key];
    if (range && (api.version < range.minVersion || api.version > range.maxVersion)) {
      throw new FatalLogError(
        'UNSUPPORTED_VERSION',
        `Kafka at ${this.address} speaks ${api.name} versions ${range.minVersion} to ${range.maxVersion}, not ${api.version}: use Kafka 2.5 or later`,
      );
    }
  }

  private frame<Request, Response>(api: Api<Request, Response>, request: Request): FramedRequest {
    const correlationId = this.connection.nextCorrelationId();
    const body = new WireWriter();
    api.write(body, request);
    const header = new WireWriter(64);
    header.int16(api.key).int16(api.version).int32(correlationId).string(this.clientId);
    if (api.flexible) header.noTags();
    const size = new WireWriter(4).int32(header.length + body.length);
    return { correlationId, parts: [...size.finish(), ...header.finish(), ...body.finish()] };
  }

  private exchange(api: Api<never, unknown>, framed: FramedRequest, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const { connection, address } = this;
      if (!this.usable) {
        reject(this.fault ?? new ConnectionFault(`The connection to Kafka at ${address} is closed`));
        return;
      }
      const timer = setTimeout(() => {
        fail(new ConnectionFault(`Kafka at ${address} did not answer ${api.name} within ${timeoutMs} ms`));
      }, timeoutMs);
      const settle = (): boolean => {
        clearTimeout(timer);
        return this.inFlight.delete(fail);
      };
      const fail = (cause: Error): void => {
        if (!settle()) return;
        const fault = faultOf(cause, address);
        reject(fault);
        this.discard(fault);
      };
      this.inFlight.add(fail);
      const entry = {
        apiKey: api.key,
        apiName: api.name,
        apiVersion: api.version,
        correlationId: framed.correlationId,
        resolve: ({ payload }: { payload: Buffer }) => {
          if (settle()) resolve(payload);
        },
        // Later, because this closes the queue that kafkajs is walking through when it calls.
        reject: (cause: Error) => queueMicrotask(() => fail(cause)),
      };
      try {
        connection.requestQueue.push({
          entry,
          expectResponse: true,
          requestTimeout: timeoutMs * KAFKAJS_TIMEOUT_FACTOR,
          sendRequest: () => this.write(framed.parts),
        });
      } catch (cause) {
        fail(faultOf(cause, address));
      }
    });
  }

  private write(parts: readonly Buffer[]): void {
    const { socket } = this.connection;
    if (!socket) throw new ConnectionFault(`The connection to Kafka at ${this.address} is closed`);
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  }

  /** Closes the connection at once; requests without an answer reject with the fault. */
  discard(fault: Error): void {
    if (this.fault) return;
    this.fault = fault;
    for (const fail of [...this.inFlight]) fail(fault);
    this.tearDown(fault);
  }

  /** Again for a connection that came to stand after the link was discarded. */
  private tearDown(fault: Error): void {
    this.connection.requestQueue.rejectAll(fault);
    this.connection.socket?.destroy();
    // The connection is down already; what disconnecting still complains about changes nothing.
    this.broker.disconnect().catch(() => undefined);
  }
}

interface FramedRequest {
  readonly correlationId: number;
  readonly parts: readonly Buffer[];
}
