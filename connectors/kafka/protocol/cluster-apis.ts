/**
 * Requests about the cluster: its brokers and topics, and which broker coordinates a group or a transactional id.
 */
import type { Api } from './api.ts';

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionMetadata {
  readonly errorCode: number;
  readonly partition: number;
  /** -1 while there is none. */
  readonly leader: number;
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topic: string;
  readonly partitions: readonly PartitionMetadata[];
}

export interface MetadataResponse {
  readonly brokers: readonly BrokerAddress[];
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
}

/** Never creates topics. An empty list of topics asks for the brokers only. */
export const metadataApi: Api<{ topics: readonly string[] }, MetadataResponse> = {
  name: 'Metadata',
  key: 3,
  version: 5,
  flexible: false,
  write: (writer, { topics }) => {
    writer.array(topics, (topic) => writer.string(topic)).boolean(false);
  },
  read: (reader) => {
    reader.int32();
    const brokers = reader.array(() => {
      const broker = { nodeId: reader.int32(), host: reader.string() ?? '', port: reader.int32() };
      reader.string();
      return broker;
    });
    reader.string();
    const controllerId = reader.int32();
    const topics = reader.array(() => {
      const errorCode = reader.int16();
      const topic = reader.string() ?? '';
      reader.boolean();
      const partitions = reader.array(() => {
        const partition = { errorCode: reader.int16(), partition: reader.int32(), leader: reader.int32() };
        for (let list = 0; list < 3; list++) reader.array(() => reader.int32());
        return partition;
      });
      return { errorCode, topic, partitions };
    });
    return { brokers, controllerId, topics };
  },
};

export type CoordinatorType = 'group' | 'transaction';

export interface FindCoordinatorResponse extends BrokerAddress {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export const findCoordinatorApi: Api<{ type: CoordinatorType; key: string }, FindCoordinatorResponse> = {
  name: 'FindCoordinator',
  key: 10,
  version: 2,
  flexible: false,
  write: (writer, { type, key }) => {
    writer.string(key).int8(type === 'group' ? 0 : 1);
  },
  read: (reader) => {
    reader.int32();
    return {
      errorCode: reader.int16(),
      errorMessage: reader.string(),
      nodeId: reader.int32(),
      host: reader.string() ?? '',
      port: reader.int32(),
    };
  },
};
