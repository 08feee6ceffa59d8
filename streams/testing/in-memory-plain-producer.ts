/**
 * A producer without transactions on the in-memory log.
 *
 * Invariant: nothing is appended unless every record has a place; keyed records go where Java clients would put them.
 */
import { FatalLogError } from '../errors.ts';
import { partitionForKey } from '../partitioner.ts';
import type { LogProducer, ProducedRecord } from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import { copyOf } from './bytes.ts';
import type { InMemoryBroker } from './in-memory-broker.ts';
import type { AppendedRecord, InMemoryPartition } from './in-memory-partition.ts';
import type { ClientSession } from './in-memory-session.ts';
import type { PartitionOffset } from './in-memory-transactions.ts';

/** Records of one partition and their places in the request. */
interface Portion {
  readonly records: AppendedRecord[];
  readonly places: number[];
}

export class InMemoryPlainProducer implements LogProducer {
  readonly #session: ClientSession;
  readonly #broker: InMemoryBroker;
  #closed = false;
  /** Records with neither partition nor key go round the partitions. */
  #nextPartition = 0;

  constructor(session: ClientSession, broker: InMemoryBroker) {
    this.#session = session;
    this.#broker = broker;
  }

  async send(records: readonly ProducedRecord[]): Promise<readonly PartitionOffset[]> {
    if (this.#closed) throw new FatalLogError('PRODUCER_CLOSED', 'The producer is closed; make another one');
    const sent = new Array<PartitionOffset>(records.length);
    for (const [partition, portion] of this.#portions(records)) {
      const append = (): number => this.#append(partition, portion.records);
      const baseOffset = await this.#session.call('producer.send', topicPartitionKey(partition.id), append);
      portion.places.forEach((place, index) => (sent[place] = { ...partition.id, offset: baseOffset + index }));
    }
    return sent;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #append(partition: InMemoryPartition, records: readonly AppendedRecord[]): number {
    const baseOffset = partition.append(records, this.#broker.clock.now());
    this.#broker.changes.notify();
    return baseOffset;
  }

  #portions(records: readonly ProducedRecord[]): ReadonlyMap<InMemoryPartition, Portion> {
    const portions = new Map<InMemoryPartition, Portion>();
    records.forEach((record, place) => {
      this.#broker.topics.checkSize(record.topic, record);
      const partition = this.#partitionOf(record);
      const portion = portions.get(partition) ?? { records: [], places: [] };
      portions.set(partition, portion);
      portion.records.push(this.#appended(record));
      portion.places.push(place);
    });
    return portions;
  }

  #appended({ key, value, timestampMs, headers }: ProducedRecord): AppendedRecord {
    return {
      key: key && copyOf(key),
      value: value && copyOf(value),
      timestampMs: timestampMs ?? this.#broker.clock.now(),
      headers: headers?.map(([name, headerValue]) => [name, copyOf(headerValue)] as const),
    };
  }

  #partitionOf({ topic, partition, key }: ProducedRecord): InMemoryPartition {
    const { topics } = this.#broker;
    if (partition !== undefined) return topics.partition({ topic, partition });
    const count = topics.partitions(topic).length;
    const chosen = key === null ? this.#nextPartition++ % count : partitionForKey(key, count);
    return topics.partition({ topic, partition: chosen });
  }
}
