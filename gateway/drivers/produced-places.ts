/**
 * Remembers where the records of each key went, so that reads after them can ask for a state that has seen them.
 *
 * Invariant: memory is bounded; of a key that is forgotten, reads are as fresh as the processor's last commit.
 */
import type { LogProducer, ProducedRecord, TopicPartition } from '../../connectors/log.ts';

export interface Place extends TopicPartition {
  /** The position behind the record. */
  readonly nextOffset: number;
}

const MAX_KEYS = 10_000;

export class ProducedPlaces implements LogProducer {
  readonly #producer: LogProducer;
  readonly #topic: string;
  /** In the order of their last record. */
  readonly #places = new Map<string, Place>();
  readonly #underWay = new Map<string, Set<Promise<unknown>>>();

  /** Records of other topics pass by unnoticed. */
  constructor(producer: LogProducer, topic: string) {
    this.#producer = producer;
    this.#topic = topic;
  }

  async send(records: readonly ProducedRecord[]): ReturnType<LogProducer['send']> {
    const sending = this.#producer.send(records);
    const keys = records.flatMap(({ topic, key }) => (topic === this.#topic && key !== null ? [textOf(key)] : []));
    for (const key of keys) this.#begin(key, sending);
    try {
      const places = await sending;
      records.forEach(({ topic, key }, index) => {
        const place = places[index];
        if (topic === this.#topic && key !== null && place !== undefined) this.#remember(textOf(key), place);
      });
      return places;
    } finally {
      for (const key of keys) this.#end(key, sending);
    }
  }

  close(): Promise<void> {
    return this.#producer.close();
  }

  /** Where the last record of the key lies, those under way included; undefined where none is remembered. Never rejects. */
  async lastPlace(key: string): Promise<Place | undefined> {
    await Promise.allSettled([...(this.#underWay.get(key) ?? [])]);
    return this.#places.get(key);
  }

  #remember(key: string, { topic, partition, offset }: TopicPartition & { offset: number }): void {
    const known = this.#places.get(key);
    if (known !== undefined && known.partition === partition && known.nextOffset > offset) return;
    this.#places.delete(key);
    this.#places.set(key, { topic, partition, nextOffset: offset + 1 });
    if (this.#places.size <= MAX_KEYS) return;
    for (const oldest of this.#places.keys()) {
      this.#places.delete(oldest);
      break;
    }
  }

  #begin(key: string, sending: Promise<unknown>): void {
    const underWay = this.#underWay.get(key) ?? new Set();
    this.#underWay.set(key, underWay.add(sending));
  }

  #end(key: string, sending: Promise<unknown>): void {
    const underWay = this.#underWay.get(key);
    underWay?.delete(sending);
    if (underWay?.size === 0) this.#underWay.delete(key);
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
