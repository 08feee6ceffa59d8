/**
 * The parts of kafkajs 2.2.4 below its public interface that this folder stands on: connections with TLS, SASL, version
 * negotiation, framing and correlation of responses. Requests and their retries are this folder's own.
 *
 * Invariant: nothing else here loads kafkajs internals, and they are loaded only from the version they were read in.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { SASLOptions } from 'kafkajs';
import type { ConnectionOptions as TlsOptions } from 'node:tls';

const require = createRequire(import.meta.url);
const EXPECTED_VERSION = '2.2.4';
const found = (require('kafkajs/package.json') as { version: string }).version;
if (found !== EXPECTED_VERSION) {
  throw new Error(
    `kafkajs ${found} is installed, but connectors/kafka uses internals of ${EXPECTED_VERSION}: pin that version exactly`,
  );
}

export type KafkaJsLogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface KafkaJsLogEntry {
  readonly namespace: string;
  /** One of the numbers that kafkajs uses: 1 error, 2 warn, 4 info, 5 debug. */
  readonly level: number;
  readonly log: { readonly message: string; readonly [field: string]: unknown };
}

export interface KafkaJsLogger {
  namespace(name: string): KafkaJsLogger;
}

interface PushedRequest {
  readonly entry: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly correlationId: number;
    readonly resolve: (answer: { payload: Buffer }) => void;
    readonly reject: (error: Error) => void;
  };
  readonly expectResponse: boolean;
  readonly requestTimeout: number;
  readonly sendRequest: () => void;
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  push(request: PushedRequest): void;
  rejectAll(error: Error): void;
  maybeThrottle(throttleTimeMs: number): void;
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
}

export interface KafkaJsConnection {
  readonly connectionStatus: 'connected' | 'disconnecting' | 'disconnected';
  readonly requestQueue: RequestQueue;
  readonly socket: Socket | undefined;
  readonly sasl: unknown;
  nextCorrelationId(): number;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
}

export interface KafkaJsConnectionPool {
  readonly pool: readonly KafkaJsConnection[];
}

export type SocketFactory = (options: {
  host: string;
  port: number;
  ssl: TlsOptions | undefined;
  onConnect: () => void;
}) => Socket;

export interface ConnectionPoolOptions {
  readonly host: string;
  readonly port: number;
  readonly ssl: TlsOptions | undefined;
  readonly sasl: SASLOptions | undefined;
  readonly clientId: string;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly socketFactory: SocketFactory;
  readonly logger: KafkaJsLogger;
}

export type ApiVersions = Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;

/** A broker of kafkajs: connects, asks for the API versions and authenticates, under one lock. */
export interface KafkaJsBroker {
  readonly versions: ApiVersions | null;
  readonly connectionPool: KafkaJsConnectionPool;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

interface BrokerOptions {
  readonly connectionPool: KafkaJsConnectionPool;
  readonly logger: KafkaJsLogger;
  readonly authenticationTimeout: number;
  readonly allowAutoTopicCreation: boolean;
}

export const ConnectionPool = require('kafkajs/src/network/connectionPool') as new (
  options: ConnectionPoolOptions,
) => KafkaJsConnectionPool;

export const Broker = require('kafkajs/src/broker') as new (options: BrokerOptions) => KafkaJsBroker;

const loggers = require('kafkajs/src/loggers') as {
  createLogger(options: {
    level: number;
    logCreator: (level: number) => (entry: KafkaJsLogEntry) => void;
  }): KafkaJsLogger;
};

/** A logger for kafkajs that hands every entry at `info` and above to the sink. */
export const createKafkaJsLogger = (sink: (entry: KafkaJsLogEntry) => void): KafkaJsLogger =>
  loggers.createLogger({ level: 4, logCreator: () => sink });

/**
 * kafkajs arms a timer after every response, with a negative delay unless the broker throttles; on Node 24 that is a
 * `TimeoutNegativeWarning` and on any version a timer per request for nothing. The queue needs to look again only when
 * requests wait, so the timer is armed just then. Other sources of that warning stay audible.
 */
const RequestQueueClass = require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
RequestQueueClass.prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const CHECK_AGAIN_MS = 10;
  const delayMs = Math.max(CHECK_AGAIN_MS, this.throttledUntil - Date.now());
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, delayMs);
};
