/**
 * How to reach Kafka and how long to wait for it. One place for every default.
 */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import type { Logger } from '../../streams/ports.ts';

export interface BrokerLocation {
  readonly host: string;
  readonly port: number;
}

export interface KafkaClientOptions {
  /** `host:port` of one or more brokers to start from. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: Logger;
  /** True or TLS options: encrypted connections. */
  readonly ssl?: boolean | TlsOptions;
  readonly sasl?: SASLOptions;
  /** Where to reach a broker that advertises this address; for clients behind a tunnel or a port mapping. */
  readonly mapAddress?: (advertised: BrokerLocation) => BrokerLocation;
  readonly connectionTimeoutMs?: number;
  /** How long an answer may take, beside the time that the request itself asks the broker to wait. */
  readonly requestTimeoutMs?: number;
  /** How old the picture of topics and leaders may get. */
  readonly metadataMaxAgeMs?: number;
  /** Connections per broker that the transactional producers of this client spread over. */
  readonly producerConnections?: number;
  /** How long the broker leaves a transaction open before it aborts it; also bounds the commit. */
  readonly transactionTimeoutMs?: number;
  /** The largest record batch that brokers and topics take (`message.max.bytes`, `max.message.bytes`). */
  readonly maxBatchBytes?: number;
  /** How long a fetch may wait at the broker for records. */
  readonly fetchMaxWaitMs?: number;
  readonly fetchMaxBytesPerPartition?: number;
  /** Bytes that a consumer fetches ahead of its polls. */
  readonly fetchBufferBytes?: number;
  /** How long the group waits for its members to join again. */
  readonly rebalanceTimeoutMs?: number;
  /** How long a call that retries broker faults goes on before it rejects with `RetriableLogError`. */
  readonly faultTimeoutMs?: number;
  /** How long a send of the plain producer may take in all. */
  readonly sendTimeoutMs?: number;
  /** How long the plain producer collects sends for one request. */
  readonly lingerMs?: number;
}

export type KafkaConfig = Required<Omit<KafkaClientOptions, 'ssl' | 'sasl'>> & {
  readonly ssl: TlsOptions | undefined;
  readonly sasl: SASLOptions | undefined;
};

const MEGABYTE = 1024 * 1024;

const DEFAULTS = {
  mapAddress: (advertised: BrokerLocation): BrokerLocation => advertised,
  connectionTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  metadataMaxAgeMs: 300_000,
  producerConnections: 4,
  transactionTimeoutMs: 60_000,
  maxBatchBytes: MEGABYTE,
  fetchMaxWaitMs: 500,
  fetchMaxBytesPerPartition: 2 * MEGABYTE,
  fetchBufferBytes: 16 * MEGABYTE,
  rebalanceTimeoutMs: 60_000,
  faultTimeoutMs: 300_000,
  sendTimeoutMs: 5_000,
  lingerMs: 1,
};

const tlsOptions = (ssl: boolean | TlsOptions | undefined): TlsOptions | undefined => {
  if (ssl === true) return {};
  return ssl === false ? undefined : ssl;
};

export const resolveConfig = (options: KafkaClientOptions): KafkaConfig => {
  if (options.brokers.length === 0) throw new TypeError('No Kafka brokers given: name at least one as host:port');
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return {
    ...DEFAULTS,
    ...(given as unknown as KafkaClientOptions),
    ssl: tlsOptions(options.ssl),
    sasl: options.sasl,
  };
};
