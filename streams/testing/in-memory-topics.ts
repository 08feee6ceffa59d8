/**
 * The topics of the in-memory log and their settings, by their Kafka names.
 *
 * Invariant: a topic keeps its partition count and settings for good, and asking for what does not exist is refused with a
 * `FatalLogError`; nothing is created by accident.
 */
import { FatalLogError, RecordTooLargeError } from '../errors.ts';
import type { LogRecord, TopicPartition, TopicSpec } from '../ports.ts';
import type { HeaderList } from '../record.ts';
import { InMemoryPartition } from './in-memory-partition.ts';

/** Kafka's default for `max.message.bytes`. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;
/** About what a record costs on the log besides its key, value and headers: the header of a batch of one. */
const RECORD_OVERHEAD_BYTES = 68;

interface Topic {
  readonly partitions: readonly InMemoryPartition[];
  readonly maxMessageBytes: number;
}

type SizedRecord = Pick<LogRecord, 'key' | 'value'> & { readonly headers?: HeaderList | undefined };

export const recordBytes = ({ key, value, headers }: SizedRecord): number => {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, headerValue] of headers ?? []) bytes += name.length + headerValue.length;
  return bytes;
};

const topicOf = ({ name, partitions, config }: TopicSpec): Topic => ({
  maxMessageBytes: Number(config['max.message.bytes'] ?? DEFAULT_MAX_MESSAGE_BYTES),
  partitions: Array.from({ length: partitions }, (_, partition) => {
    const compacted = (config['cleanup.policy'] ?? '').split(',').includes('compact');
    const logAppendTime = config['message.timestamp.type'] === 'LogAppendTime';
    return new InMemoryPartition({ topic: name, partition }, { compacted, logAppendTime });
  }),
});

export class InMemoryTopics {
  readonly #topics = new Map<string, Topic>();

  /** Creates the topics that are missing; leaves existing ones alone. */
  create(specs: readonly TopicSpec[]): void {
    for (const spec of specs) if (!this.#topics.has(spec.name)) this.#topics.set(spec.name, topicOf(spec));
  }

  /** Partition count of each topic that exists. */
  partitionCounts(topics: Iterable<string>): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const name of topics) {
      const topic = this.#topics.get(name);
      if (topic !== undefined) counts.set(name, topic.partitions.length);
    }
    return counts;
  }

  partitions(topic: string): readonly InMemoryPartition[] {
    return this.#existing(topic).partitions;
  }

  partition({ topic, partition }: TopicPartition): InMemoryPartition {
    const { partitions } = this.#existing(topic);
    const found = partitions[partition];
    if (found !== undefined) return found;
    const message = `${topic} has ${partitions.length} partitions and no partition ${partition}; correct the number`;
    throw new FatalLogError('UNKNOWN_TOPIC_OR_PARTITION', message);
  }

  /** Throws `RecordTooLargeError` where the topic exists and does not take a record of that size. */
  checkSize(topic: string, record: SizedRecord): void {
    const maxMessageBytes = this.#topics.get(topic)?.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    const bytes = recordBytes(record) + RECORD_OVERHEAD_BYTES;
    if (bytes <= maxMessageBytes) return;
    const message = `A record of ${bytes} bytes is larger than ${topic} takes (${maxMessageBytes}); make it smaller`;
    throw new RecordTooLargeError('MESSAGE_TOO_LARGE', message);
  }

  #existing(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    throw new FatalLogError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}; create it first`);
  }
}
