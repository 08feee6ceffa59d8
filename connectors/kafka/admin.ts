/**
 * Topics and groups: what the engine's port asks for, and more for tools.
 *
 * Invariant: a call that creates topics resolves only when they can be used, with a leader for every partition.
 */
import { FatalLogError } from '../../streams/errors.ts';
import type { LogAdmin, TopicPartition, TopicSpec } from '../../streams/ports.ts';
import { ConnectionFault } from './broker-link.ts';
import type { Cluster, RequestLink } from './cluster.ts';
import type { KafkaConfig } from './config.ts';
import { isRetriableFault, partitionName, toLogError } from './errors.ts';
import {
  alterTopicConfigApi,
  createTopicsApi,
  deleteGroupsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeGroupsApi,
  describeTopicConfigsApi,
  type NamedAnswer,
} from './protocol/admin-apis.ts';
import {
  ErrorCode,
  errorName,
  isRetriable,
  isStaleCoordinator,
  isStaleMetadata,
  ProtocolError,
  throwOnError,
} from './protocol/error-codes.ts';
import { decodeAssignment, decodeSubscription } from './protocol/group-apis.ts';
import { LATEST, listOffsetsApi, offsetFetchApi } from './protocol/record-apis.ts';
import { retryUntil } from './retry.ts';

const LANE = 'admin';
const TIMEOUT_MS = 30_000;

export interface GroupMemberDescription {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
  readonly userData: Uint8Array;
  readonly assignment: readonly TopicPartition[];
}

export interface GroupDescription {
  readonly groupId: string;
  /** Such as Stable, PreparingRebalance, Empty, Dead. */
  readonly state: string;
  readonly assignor: string;
  readonly members: readonly GroupMemberDescription[];
}

export interface PartitionLag extends TopicPartition {
  readonly committedOffset: number;
  readonly endOffset: number;
  readonly lag: number;
}

export class KafkaAdmin implements LogAdmin {
  private readonly cluster: Cluster;
  private readonly config: KafkaConfig;
  private readonly onClosed: () => void;

  constructor(cluster: Cluster, config: KafkaConfig, onClosed: () => void) {
    this.cluster = cluster;
    this.config = config;
    this.onClosed = onClosed;
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (topics.length === 0) return new Map();
    const described = await this.retried('Describing topics', () => this.cluster.describeTopics(topics));
    const counts = new Map<string, number>();
    for (const { topic, errorCode, partitions } of described) {
      if (errorCode === ErrorCode.NONE) counts.set(topic, partitions.length);
      else if (!isRetriable(errorCode)) {
        throw toLogError(new ProtocolError('Metadata', errorCode, `topic "${topic}"`), 'Describing topics');
      }
    }
    return counts;
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    const existing = await this.partitionCounts(topics.map(({ name }) => name));
    const missing = topics.filter(({ name }) => !existing.has(name));
    if (missing.length === 0) return;
    await this.retried('Creating topics', async () => {
      const answers = await this.askController((link) =>
        link.request(createTopicsApi, { topics: missing, timeoutMs: TIMEOUT_MS }),
      );
      this.check(answers, 'create topic', [ErrorCode.TOPIC_ALREADY_EXISTS]);
    });
    await this.retried('Waiting for the leaders of new topics', async () => {
      const described = await this.cluster.describeTopics(missing.map(({ name }) => name));
      const waiting = described.find(
        ({ errorCode, partitions }) => errorCode !== ErrorCode.NONE || partitions.some(({ leader }) => leader < 0),
      );
      if (waiting) throw new ProtocolError('Metadata', ErrorCode.LEADER_NOT_AVAILABLE, `topic "${waiting.topic}"`);
    });
  }

  /** Deletes topics; ones that do not exist are fine. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return;
    await this.retried('Deleting topics', async () => {
      const answers = await this.askController((link) =>
        link.request(deleteTopicsApi, { topics, timeoutMs: TIMEOUT_MS }),
      );
      this.check(answers, 'delete topic', [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    });
  }

  /** Deletes the records of a partition before the offset. */
  async deleteRecordsBefore(partition: TopicPartition, offset: number): Promise<void> {
    const name = partitionName(partition);
    await this.retried(`Deleting records of ${name}`, async () => {
      const link = await this.cluster.link(await this.cluster.leader(partition), LANE);
      const [answer] = await link.request(deleteRecordsApi, {
        positions: [{ ...partition, offset }],
        timeoutMs: TIMEOUT_MS,
      });
      const errorCode = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (isStaleMetadata(errorCode)) this.cluster.forgetTopic(partition.topic);
      throwOnError('DeleteRecords', errorCode, name);
    });
  }

  /** The settings of a topic by name; without the inherited ones when `overridesOnly`. */
  async topicConfig(topic: string, overridesOnly = false): Promise<ReadonlyMap<string, string | null>> {
    return this.retried('Describing topic settings', async () => {
      const answers = await this.cluster.askAnyBroker((link) =>
        link.request(describeTopicConfigsApi, { topics: [topic] }),
      );
      this.check(answers, 'describe topic');
      const entries = answers.flatMap((answer) => answer.entries);
      const wanted = entries.filter(({ isOverride }) => isOverride || !overridesOnly);
      return new Map(wanted.map(({ name, value }) => [name, value]));
    });
  }

  /** Changes the named settings of a topic; null gives one back to the broker's default. */
  async alterTopicConfig(topic: string, config: Readonly<Record<string, string | null>>): Promise<void> {
    await this.retried('Changing topic settings', async () => {
      const answers = await this.askController((link) => link.request(alterTopicConfigApi, { topic, config }));
      this.check(answers, 'change topic');
    });
  }

  async describeGroup(groupId: string): Promise<GroupDescription> {
    return this.retried(`Describing the group "${groupId}"`, async () => {
      const [group] = await this.askGroupCoordinator(groupId, (link) =>
        link.request(describeGroupsApi, { groupIds: [groupId] }),
      );
      if (!group) throw new ConnectionFault('The broker did not describe the group');
      if (group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND)
        return { groupId, state: 'Dead', assignor: '', members: [] };
      if (group.errorCode !== ErrorCode.NONE) {
        throw new ProtocolError('DescribeGroups', group.errorCode, `group "${groupId}"`);
      }
      const members = group.members.map(({ memberId, clientId, clientHost, metadata, assignment }) => {
        const { userData } = decodeSubscription(memberId, metadata);
        return { memberId, clientId, clientHost, userData, assignment: decodeAssignment(assignment).partitions };
      });
      return { groupId, state: group.state, assignor: group.protocol, members };
    });
  }

  /** How far the group's committed offsets are behind what committed readers can reach, per partition. */
  async groupLag(groupId: string): Promise<readonly PartitionLag[]> {
    return this.retried(`Reading the lag of the group "${groupId}"`, async () => {
      const { errorCode, answers } = await this.askGroupCoordinator(groupId, (link) =>
        link.request(offsetFetchApi, { groupId, partitions: 'all', stable: false }),
      );
      if (errorCode !== ErrorCode.NONE) throw new ProtocolError('OffsetFetch', errorCode, `group "${groupId}"`);
      return Promise.all(
        answers.map(async ({ topic, partition, offset: committedOffset }) => {
          const endOffset = await this.listOffset({ topic, partition }, LATEST);
          return { topic, partition, committedOffset, endOffset, lag: Math.max(0, endOffset - committedOffset) };
        }),
      );
    });
  }

  /**
   * The first offset whose record has that timestamp or a later one, as the topic stamps its records (UTC epoch milliseconds);
   * undefined when there is none below the last stable offset.
   */
  async offsetForTime(partition: TopicPartition, timestampMs: number): Promise<number | undefined> {
    const offset = await this.retried(`Finding an offset of ${partitionName(partition)} by time`, () =>
      this.listOffset(partition, timestampMs),
    );
    return offset < 0 ? undefined : offset;
  }

  /** Deletes groups without members, with their offsets; ones that do not exist are fine. */
  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    for (const groupId of groupIds) {
      await this.retried(`Deleting the group "${groupId}"`, async () => {
        const answers = await this.askGroupCoordinator(groupId, (link) =>
          link.request(deleteGroupsApi, { groupIds: [groupId] }),
        );
        this.check(answers, 'delete group', [ErrorCode.GROUP_ID_NOT_FOUND]);
      });
    }
  }

  private async listOffset(partition: TopicPartition, timestampMs: number): Promise<number> {
    const link = await this.cluster.link(await this.cluster.leader(partition), LANE);
    const [answer] = await link.request(listOffsetsApi, [{ ...partition, timestampMs }]);
    if (answer?.errorCode === ErrorCode.NONE) return answer.offset;
    this.cluster.forgetTopic(partition.topic);
    throw new ProtocolError(
      'ListOffsets',
      answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR,
      `topic "${partition.topic}"`,
    );
  }

  private async askController<T>(ask: (link: RequestLink) => Promise<T>): Promise<T> {
    return ask(await this.cluster.link(await this.cluster.controller(), LANE));
  }

  private async askGroupCoordinator<T>(groupId: string, ask: (link: RequestLink) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.cluster.coordinatorLink('group', groupId, LANE));
    } catch (error) {
      if (!(error instanceof ProtocolError) || isStaleCoordinator(error.errorCode)) {
        this.cluster.forgetCoordinator('group', groupId);
      }
      throw error;
    }
  }

  private check(answers: readonly NamedAnswer[], what: string, fine: readonly number[] = []): void {
    for (const { name, errorCode, errorMessage } of answers) {
      if (errorCode === ErrorCode.NONE || fine.includes(errorCode)) continue;
      if (isRetriable(errorCode)) throw new ProtocolError(what, errorCode, `"${name}"`);
      const reason = errorMessage ?? errorName(errorCode);
      throw new FatalLogError(errorName(errorCode), `Kafka refused to ${what} "${name}": ${reason}`);
    }
  }

  private async retried<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await retryUntil(Date.now() + Math.min(TIMEOUT_MS, this.config.faultTimeoutMs), isRetriableFault, attempt);
    } catch (error) {
      throw toLogError(error, what);
    }
  }

  async close(): Promise<void> {
    this.cluster.close();
    this.onClosed();
  }
}
