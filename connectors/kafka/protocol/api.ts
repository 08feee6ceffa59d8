/**
 * What a request is to this client: one API in one version, with the functions that write it and read its answer.
 * Each API is used in a single version that brokers from 2.5 to 4.x speak.
 */
import type { WireReader, WireWriter } from './wire.ts';

export interface Api<Request, Response> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  /** Flexible versions have tagged fields in the headers too. */
  readonly flexible: boolean;
  readonly write: (writer: WireWriter, request: Request) => void;
  readonly read: (reader: WireReader) => Response;
}

/** Something per partition, grouped by topic as requests and answers have it. */
export interface TopicPartitions<T> {
  readonly topic: string;
  readonly partitions: readonly T[];
}

/** Groups items by topic, in the order in which topics come up. */
export const groupByTopic = <T extends { readonly topic: string }>(
  items: readonly T[],
): readonly TopicPartitions<T>[] => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group) group.push(item);
    else groups.set(item.topic, [item]);
  }
  return [...groups].map(([topic, partitions]) => ({ topic, partitions }));
};

/** Writes `[topic [partition]]`, the shape that most requests share. */
export const writeTopics = <T extends { readonly topic: string }>(
  writer: WireWriter,
  items: readonly T[],
  writePartition: (item: T) => void,
): void => {
  writer.array(groupByTopic(items), ({ topic, partitions }) => {
    writer.string(topic).array(partitions, writePartition);
  });
};

/** Reads `[topic [partition]]` into one flat list. */
export const readTopics = <T>(reader: WireReader, readPartition: (topic: string) => T): T[] =>
  reader
    .array(() => {
      const topic = reader.string() ?? '';
      return reader.array(() => readPartition(topic));
    })
    .flat();
