/**
 * A group member as a process would run it: it polls, joins again when asked to, and reads newly held partitions from their start.
 */
import type { GroupConsumer, PartitionAssignor, TopicPartition } from '../../streams/ports.ts';
import { topicPartitionKey } from '../../streams/ports.ts';
import { valuesOf } from './log-client-scenario.ts';

/** Deals the partitions out in turn, to the members in the order of their ids. */
export const spreading: PartitionAssignor = {
  name: 'spreading',
  assign: (members, partitionCounts) => {
    const ids = members.map(({ memberId }) => memberId).sort();
    const assignment = new Map(ids.map((id) => [id, [] as TopicPartition[]]));
    let dealt = 0;
    for (const [topic, count] of partitionCounts) {
      for (let partition = 0; partition < count; partition++) {
        assignment.get(ids[dealt++ % ids.length] as string)?.push({ topic, partition });
      }
    }
    return assignment;
  },
};

export class GroupReader {
  held: readonly TopicPartition[] = [];
  readonly values: (string | null)[] = [];
  readonly #consumer: GroupConsumer;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(consumer: GroupConsumer) {
    this.#consumer = consumer;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Leaves the group. Rejects when the member had failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#consumer.wakeup();
    await this.#running;
    await this.#consumer.close();
  }

  async #run(): Promise<void> {
    await this.#rejoin();
    while (!this.#stopped) {
      const polled = await this.#consumer.poll(200);
      if (polled.kind === 'rebalance') await this.#rejoin();
      else for (const { records } of polled.batches) this.values.push(...valuesOf(records));
    }
  }

  async #rejoin(): Promise<void> {
    const before = new Set(this.held.map(topicPartitionKey));
    this.held = [];
    this.held = await this.#consumer.rejoin(new Uint8Array(0));
    for (const partition of this.held) if (!before.has(topicPartitionKey(partition))) this.#consumer.seek(partition, 0);
  }
}
