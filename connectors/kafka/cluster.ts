/**
 * The brokers of a cluster as one client sees them: who leads which partition, who coordinates what, and the connections.
 *
 * A connection belongs to a node and a lane. A broker answers the requests of one connection one after another, so whatever
 * may wait at the broker (fetches, joining a group) has a lane of its own and never stands in front of anything else.
 *
 * Invariant: one connection per node and lane, one metadata request at a time; a fault makes the next call look again.
 */
import { FatalLogError } from '../../streams/errors.ts';
import type { TopicPartition } from '../../streams/ports.ts';
import { BrokerLink, ConnectionFault } from './broker-link.ts';
import type { BrokerLocation, KafkaConfig } from './config.ts';
import { unknownTopic } from './errors.ts';
import type { KafkaJsLogger } from './kafkajs-internals.ts';
import {
  findCoordinatorApi,
  metadataApi,
  type BrokerAddress,
  type CoordinatorType,
  type TopicMetadata,
} from './protocol/cluster-apis.ts';
import { ErrorCode, isRetriable, ProtocolError, throwOnError } from './protocol/error-codes.ts';

/** Never used by a request that waits at the broker. */
const CONTROL_LANE = 'control';
/** A topic that was just created may be unknown to some brokers for a moment. */
const UNKNOWN_TOPIC_GRACE_MS = 3_000;
/** Whoever asked for the topic longer ago than this does not count: it may have been deleted and created since. */
const UNKNOWN_TOPIC_MEMORY_MS = 60_000;

/** A connection as those who send requests see it. */
export type RequestLink = Pick<BrokerLink, 'request'>;

/** The cluster as those who send requests see it. */
export interface ClusterView {
  /** The node that leads a partition. Rejects with a retriable fault while there is none, `FatalLogError` for no such topic. */
  leader(partition: TopicPartition): Promise<number>;
  /** Rejects with `FatalLogError` when the topic does not exist. */
  partitionCount(topic: string): Promise<number>;
  /** Forgets what is known of a topic, because a broker said otherwise. */
  forgetTopic(topic: string): void;
  /** Asks for the topics anew. */
  refresh(topics: readonly string[]): Promise<void>;
  /** An open connection to a node. Rejects with `ConnectionFault`, or `FatalLogError` for refused credentials. */
  link(nodeId: number, lane: string): Promise<RequestLink>;
  /** An open connection to the node that coordinates a group or a transactional id. */
  coordinatorLink(type: CoordinatorType, key: string, lane: string): Promise<RequestLink>;
  forgetCoordinator(type: CoordinatorType, key: string): void;
  /** Tries the known brokers one after another, then the addresses that were configured. */
  askAnyBroker<T>(ask: (link: RequestLink) => Promise<T>): Promise<T>;
  /** Closes a lane's connections to all nodes; requests in flight on it fail. */
  closeLane(lane: string): void;
  close(): void;
}

interface KnownTopic {
  readonly leaders: readonly (number | undefined)[];
  readonly learntAt: number;
}

const parseAddress = (broker: string): BrokerLocation => {
  const separator = broker.lastIndexOf(':');
  const port = Number(broker.slice(separator + 1));
  if (separator <= 0 || !Number.isInteger(port))
    throw new TypeError(`"${broker}" is not a broker address: use host:port`);
  return { host: broker.slice(0, separator).replace(/^\[|\]$/g, ''), port };
};

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

export class Cluster implements ClusterView {
  private readonly config: KafkaConfig;
  private readonly logger: KafkaJsLogger;
  private readonly seeds: readonly BrokerLocation[];
  private nodes = new Map<number, BrokerLocation>();
  private readonly links = new Map<string, BrokerLink>();
  private readonly topics = new Map<string, KnownTopic>();
  private readonly coordinators = new Map<string, number>();
  private readonly missingSince = new Map<string, number>();
  private refreshing: { readonly topics: Set<string>; readonly done: Promise<void> } | undefined;
  private closed = false;

  constructor(config: KafkaConfig, logger: KafkaJsLogger) {
    this.config = config;
    this.logger = logger;
    this.seeds = config.brokers.map(parseAddress);
  }

  async link(nodeId: number, lane: string): Promise<BrokerLink> {
    const address = this.nodes.get(nodeId);
    if (!address) throw new ConnectionFault(`Broker ${nodeId} is not known`);
    return this.open(`${nodeId}/${lane}`, address);
  }

  private async open(key: string, address: BrokerLocation): Promise<BrokerLink> {
    if (this.closed) throw new FatalLogError('CLIENT_CLOSED', 'The Kafka client was closed');
    let link = this.links.get(key);
    if (!link?.usable || link.address !== `${address.host}:${address.port}`) {
      link?.discard(new ConnectionFault(`The connection to Kafka at ${link.address} was replaced`));
      link = new BrokerLink(address.host, address.port, this.config, this.logger);
      this.links.set(key, link);
    }
    await link.open();
    return link;
  }

  async leader({ topic, partition }: TopicPartition): Promise<number> {
    const known = await this.topic(topic);
    if (partition >= known.leaders.length) {
      this.topics.delete(topic);
      throw this.missing(`${topic}-${partition}`, unknownTopic(topic, partition));
    }
    const leader = known.leaders[partition];
    if (leader === undefined) {
      this.topics.delete(topic);
      throw new ProtocolError('Metadata', ErrorCode.LEADER_NOT_AVAILABLE, `${topic}-${partition}`);
    }
    return leader;
  }

  async partitionCount(topic: string): Promise<number> {
    return (await this.topic(topic)).leaders.length;
  }

  private async topic(topic: string): Promise<KnownTopic> {
    let known = this.topics.get(topic);
    if (!known || Date.now() - known.learntAt > this.config.metadataMaxAgeMs) {
      await this.refresh([topic]);
      known = this.topics.get(topic);
    }
    if (!known) throw this.missing(topic, unknownTopic(topic));
    this.missingSince.delete(topic);
    return known;
  }

  /** Missing for a moment is a fault to retry; missing for longer is an answer. */
  private missing(name: string, answer: FatalLogError): Error {
    const now = Date.now();
    const known = this.missingSince.get(name) ?? now;
    const since = now - known < UNKNOWN_TOPIC_MEMORY_MS ? known : now;
    this.missingSince.set(name, since);
    if (now - since < UNKNOWN_TOPIC_GRACE_MS) {
      return new ProtocolError('Metadata', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name);
    }
    this.missingSince.delete(name);
    return answer;
  }

  forgetTopic(topic: string): void {
    this.topics.delete(topic);
  }

  /** Asks a broker anew; calls made meanwhile share the request when it covers their topics. */
  async refresh(topics: readonly string[]): Promise<void> {
    const running = this.refreshing;
    if (running && topics.every((topic) => running.topics.has(topic))) return running.done;
    if (running) {
      // Its fault is its callers' to handle; this call makes a request of its own.
      await Promise.allSettled([running.done]);
      return this.refresh(topics);
    }
    const asked = new Set(topics);
    const done = this.fetchMetadata([...asked]).finally(() => {
      this.refreshing = undefined;
    });
    this.refreshing = { topics: asked, done };
    return done;
  }

  private async fetchMetadata(topics: readonly string[]): Promise<void> {
    const metadata = await this.askAnyBroker((link) => link.request(metadataApi, { topics }));
    this.learnBrokers(metadata.brokers);
    for (const topic of metadata.topics) this.learn(topic);
    const refused = metadata.topics.find(({ errorCode }) => errorCode !== ErrorCode.NONE && !isRetriable(errorCode));
    if (refused) throw new ProtocolError('Metadata', refused.errorCode, `topic "${refused.topic}"`);
  }

  /** The node that takes changes of topics. */
  async controller(): Promise<number> {
    const { brokers, controllerId } = await this.askAnyBroker((link) => link.request(metadataApi, { topics: [] }));
    this.learnBrokers(brokers);
    return controllerId;
  }

  private learnBrokers(brokers: readonly BrokerAddress[]): void {
    this.nodes = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, this.config.mapAddress({ host, port })]));
  }

  /** What the cluster says of the topics now, past anything remembered. */
  async describeTopics(topics: readonly string[]): Promise<readonly TopicMetadata[]> {
    return (await this.askAnyBroker((link) => link.request(metadataApi, { topics }))).topics;
  }

  private learn({ errorCode, topic, partitions }: TopicMetadata): void {
    if (errorCode === ErrorCode.NONE) {
      const leaders: (number | undefined)[] = Array.from<number | undefined>({ length: partitions.length });
      for (const { partition, leader } of partitions) leaders[partition] = leader < 0 ? undefined : leader;
      this.topics.set(topic, { leaders, learntAt: Date.now() });
      return;
    }
    this.topics.delete(topic);
  }

  async askAnyBroker<T>(ask: (link: BrokerLink) => Promise<T>): Promise<T> {
    const candidates = [
      ...shuffled([...this.nodes]).map(([nodeId, address]) => ({ key: `${nodeId}/${CONTROL_LANE}`, address })),
      ...shuffled(this.seeds).map((address) => ({ key: `${address.host}:${address.port}`, address })),
    ];
    let lastFault: unknown;
    for (const { key, address } of candidates) {
      try {
        return await ask(await this.open(key, address));
      } catch (error) {
        if (!(error instanceof ConnectionFault)) throw error;
        lastFault = error;
      }
    }
    const tried = this.seeds.map(({ host, port }) => `${host}:${port}`).join(', ');
    const why = lastFault instanceof Error ? lastFault.message : 'none is known';
    throw new ConnectionFault(`No Kafka broker could be reached (${tried}): ${why}`, { cause: lastFault });
  }

  /** The node that coordinates a group or a transactional id, remembered until `forgetCoordinator`. */
  async coordinator(type: CoordinatorType, key: string): Promise<number> {
    const known = this.coordinators.get(`${type}/${key}`);
    if (known !== undefined && this.nodes.has(known)) return known;
    const answer = await this.askAnyBroker((link) => link.request(findCoordinatorApi, { type, key }));
    throwOnError('FindCoordinator', answer.errorCode, `${type} "${key}"`);
    const { nodeId, host, port } = answer;
    this.nodes.set(nodeId, this.config.mapAddress({ host, port }));
    this.coordinators.set(`${type}/${key}`, nodeId);
    return nodeId;
  }

  forgetCoordinator(type: CoordinatorType, key: string): void {
    this.coordinators.delete(`${type}/${key}`);
  }

  async coordinatorLink(type: CoordinatorType, key: string, lane: string): Promise<BrokerLink> {
    const nodeId = await this.coordinator(type, key);
    try {
      return await this.link(nodeId, lane);
    } catch (error) {
      this.forgetCoordinator(type, key);
      throw error;
    }
  }

  closeLane(lane: string): void {
    for (const [key, link] of this.links) {
      if (!key.endsWith(`/${lane}`)) continue;
      link.discard(new ConnectionFault('The connection is not needed any more'));
      this.links.delete(key);
    }
  }

  close(): void {
    this.closed = true;
    for (const link of this.links.values()) link.discard(new ConnectionFault('The Kafka client was closed'));
    this.links.clear();
  }
}
