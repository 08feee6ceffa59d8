/**
 * Requests for tools: topics and their settings, groups and their members.
 */
import type { TopicPartition, TopicSpec } from '../../../streams/ports.ts';
import { readTopics, writeTopics, type Api } from './api.ts';
import type { WireReader } from './wire.ts';

/** An answer for one of the things a request names. */
export interface NamedAnswer {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const BROKER_DEFAULT = -1;

export const createTopicsApi: Api<
  { topics: readonly (TopicSpec & { replicationFactor?: number })[]; timeoutMs: number },
  readonly NamedAnswer[]
> = {
  name: 'CreateTopics',
  key: 19,
  version: 4,
  flexible: false,
  write: (writer, { topics, timeoutMs }) => {
    writer.array(topics, ({ name, partitions, config, replicationFactor }) => {
      writer
        .string(name)
        .int32(partitions)
        .int16(replicationFactor ?? BROKER_DEFAULT)
        .int32(0);
      writer.array(Object.entries(config), ([key, value]) => writer.string(key).string(value));
    });
    writer.int32(timeoutMs).boolean(false);
  },
  read: (reader) => {
    reader.int32();
    return reader.array(() => ({
      name: reader.string() ?? '',
      errorCode: reader.int16(),
      errorMessage: reader.string(),
    }));
  },
};

export const deleteTopicsApi: Api<{ topics: readonly string[]; timeoutMs: number }, readonly NamedAnswer[]> = {
  name: 'DeleteTopics',
  key: 20,
  version: 3,
  flexible: false,
  write: (writer, { topics, timeoutMs }) => {
    writer.array(topics, (topic) => writer.string(topic)).int32(timeoutMs);
  },
  read: (reader) => {
    reader.int32();
    return reader.array(() => ({ name: reader.string() ?? '', errorCode: reader.int16(), errorMessage: null }));
  },
};

export const deleteRecordsApi: Api<
  { positions: readonly (TopicPartition & { readonly offset: number })[]; timeoutMs: number },
  readonly (TopicPartition & { readonly errorCode: number })[]
> = {
  name: 'DeleteRecords',
  key: 21,
  version: 1,
  flexible: false,
  write: (writer, { positions, timeoutMs }) => {
    writeTopics(writer, positions, ({ partition, offset }) => writer.int32(partition).int64(offset));
    writer.int32(timeoutMs);
  },
  read: (reader) => {
    reader.int32();
    return readTopics(reader, (topic) => {
      const partition = reader.int32();
      reader.int64();
      return { topic, partition, errorCode: reader.int16() };
    });
  },
};

const TOPIC_RESOURCE = 2;

export interface ConfigEntry {
  readonly name: string;
  /** Null for a secret. */
  readonly value: string | null;
  /** Set on the topic itself and not inherited. */
  readonly isOverride: boolean;
}

const DYNAMIC_TOPIC_CONFIG = 1;

const readConfigEntry = (reader: WireReader): ConfigEntry => {
  const name = reader.string() ?? '';
  const value = reader.string();
  reader.boolean();
  const source = reader.int8();
  reader.boolean();
  reader.array(() => {
    reader.string();
    reader.string();
    reader.int8();
  });
  return { name, value, isOverride: source === DYNAMIC_TOPIC_CONFIG };
};

export const describeTopicConfigsApi: Api<
  { topics: readonly string[] },
  readonly (NamedAnswer & { readonly entries: readonly ConfigEntry[] })[]
> = {
  name: 'DescribeConfigs',
  key: 32,
  version: 1,
  flexible: false,
  write: (writer, { topics }) => {
    writer.array(topics, (topic) => writer.int8(TOPIC_RESOURCE).string(topic).int32(-1)).boolean(false);
  },
  read: (reader) => {
    reader.int32();
    return reader.array(() => {
      const errorCode = reader.int16();
      const errorMessage = reader.string();
      reader.int8();
      const name = reader.string() ?? '';
      return { name, errorCode, errorMessage, entries: reader.array(() => readConfigEntry(reader)) };
    });
  },
};

const SET = 0;
const DELETE = 1;

/** Changes the named settings only; null gives a setting back to the broker's default. */
export const alterTopicConfigApi: Api<
  { topic: string; config: Readonly<Record<string, string | null>> },
  readonly NamedAnswer[]
> = {
  name: 'IncrementalAlterConfigs',
  key: 44,
  version: 0,
  flexible: false,
  write: (writer, { topic, config }) => {
    writer.int32(1).int8(TOPIC_RESOURCE).string(topic);
    writer.array(Object.entries(config), ([name, value]) => {
      writer
        .string(name)
        .int8(value === null ? DELETE : SET)
        .string(value);
    });
    writer.boolean(false);
  },
  read: (reader) => {
    reader.int32();
    return reader.array(() => {
      const errorCode = reader.int16();
      const errorMessage = reader.string();
      reader.int8();
      return { name: reader.string() ?? '', errorCode, errorMessage };
    });
  },
};

export interface DescribedMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

export interface DescribedGroup {
  readonly errorCode: number;
  readonly groupId: string;
  /** Such as Stable, PreparingRebalance, Empty, Dead. */
  readonly state: string;
  readonly protocol: string;
  readonly members: readonly DescribedMember[];
}

export const describeGroupsApi: Api<{ groupIds: readonly string[] }, readonly DescribedGroup[]> = {
  name: 'DescribeGroups',
  key: 15,
  version: 2,
  flexible: false,
  write: (writer, { groupIds }) => {
    writer.array(groupIds, (groupId) => writer.string(groupId));
  },
  read: (reader) => {
    reader.int32();
    return reader.array(() => {
      const errorCode = reader.int16();
      const groupId = reader.string() ?? '';
      const state = reader.string() ?? '';
      reader.string();
      const protocol = reader.string() ?? '';
      const members = reader.array(() => ({
        memberId: reader.string() ?? '',
        clientId: reader.string() ?? '',
        clientHost: reader.string() ?? '',
        metadata: reader.bytes() ?? Buffer.alloc(0),
        assignment: reader.bytes() ?? Buffer.alloc(0),
      }));
      return { errorCode, groupId, state, protocol, members };
    });
  },
};

export const deleteGroupsApi: Api<{ groupIds: readonly string[] }, readonly NamedAnswer[]> = {
  name: 'DeleteGroups',
  key: 42,
  version: 1,
  flexible: false,
  write: (writer, { groupIds }) => {
    writer.array(groupIds, (groupId) => writer.string(groupId));
  },
  read: (reader) => {
    reader.int32();
    return reader.array(() => ({ name: reader.string() ?? '', errorCode: reader.int16(), errorMessage: null }));
  },
};
