/**
 * The input partitions of one task, taken in timestamp order.
 *
 * Invariant: `streamTimeMs` never decreases; it is the highest event time of the records taken so far, by this task or by
 * whoever had it before. While a partition
 * that is known to hold more records has none here, nothing is taken, so that order across partitions does not depend on
 * which fetch answered first.
 */
import type { FetchedBatch, TopicPartition } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import type { RecordQueue, StampedRecord } from './record-queue.ts';

export class PartitionGroup {
  readonly queues: readonly RecordQueue[];
  readonly #byPartition: ReadonlyMap<string, RecordQueue>;
  #streamTimeMs: number;

  constructor(queues: readonly RecordQueue[]) {
    this.queues = queues;
    this.#byPartition = new Map(queues.map((queue) => [topicPartitionKey(queue.topicPartition), queue]));
    this.#streamTimeMs = Math.max(-1, ...queues.map(({ partitionTimeMs }) => partitionTimeMs));
  }

  get streamTimeMs(): number {
    return this.#streamTimeMs;
  }

  get buffered(): number {
    return this.queues.reduce((sum, queue) => sum + queue.buffered, 0);
  }

  get drained(): boolean {
    return this.queues.every((queue) => queue.drained);
  }

  queue(partition: TopicPartition): RecordQueue | undefined {
    return this.#byPartition.get(topicPartitionKey(partition));
  }

  add(batch: FetchedBatch): void {
    this.queue(batch)?.add(batch);
  }

  /**
   * The queue whose next record has the lowest timestamp; of equals, the first one. Undefined while nothing may be taken.
   * `RecordQueue.peek` gives the record, `take` takes it.
   */
  next(systemTimeMs: number): RecordQueue | undefined {
    let next: RecordQueue | undefined;
    let lowestMs = Infinity;
    for (const queue of this.queues) {
      const record = queue.peek(systemTimeMs);
      if (record === undefined) {
        if (!queue.drained) return undefined;
      } else if (next === undefined || record.timestampMs < lowestMs) {
        next = queue;
        lowestMs = record.timestampMs;
      }
    }
    return next;
  }

  /** Takes the next record of the queue that `next` answered. */
  take(queue: RecordQueue): StampedRecord {
    const record = queue.take();
    if (queue.partitionTimeMs > this.#streamTimeMs) this.#streamTimeMs = queue.partitionTimeMs;
    return record;
  }
}
