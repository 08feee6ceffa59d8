/**
 * Watches both ends of the system: committed events, and the rows of the database.
 *
 * Invariant: an alert counts as readable when a reader of committed records has it, and its row when the sink's position, which is
 * written in the transaction of the row, has passed its event.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { Deserializer } from '../../streams/serde.ts';
import { offeredIndex } from './offer-data.ts';

const POLL_MS = 5;

export interface Observed {
  /** Epoch milliseconds by index of the alert; NaN where it was not seen. */
  readonly eventMs: Float64Array;
  readonly rowMs: Float64Array;
}

export interface ObserveOptions {
  readonly client: KafkaLogClient;
  readonly database: MysqlDatabase;
  readonly topic: string;
  readonly events: Deserializer<LifecycleEvent>;
  readonly partitions: number;
  readonly count: number;
  /** Gives up then: what is missing is reported as such. */
  readonly deadlineMs: number;
}

/** Resolves once every alert's row was seen, or at the deadline. `ready` is called when the watch has begun. */
export async function observe(options: ObserveOptions, ready: () => void): Promise<Observed> {
  const { client, database, topic, events, partitions, count, deadlineMs } = options;
  const observed = {
    eventMs: new Float64Array(count).fill(Number.NaN),
    rowMs: new Float64Array(count).fill(Number.NaN),
  };
  const waiting = Array.from({ length: partitions }, () => new WaitingRows());
  const ending = new AbortController();
  const reader = client.reader();
  const positions = await Promise.all(
    waiting.map(async (_, partition) => ({
      topic,
      partition,
      offset: (await reader.range({ topic, partition })).end,
    })),
  );
  const following = reader.follow(
    positions,
    ({ partition, records }) => {
      const now = Date.now();
      for (const { offset, value } of records) {
        const { alertId, eventType } = events.deserialize(topic, value);
        if (eventType !== 'CREATED') continue;
        const index = offeredIndex(alertId);
        observed.eventMs[index] = now;
        waiting[partition]?.add(offset, index);
      }
    },
    ending.signal,
  );
  ready();
  let rows = 0;
  while (rows < count && Date.now() < deadlineMs) {
    const found = await database.query('SELECT partition_id, next_offset FROM sink_offsets WHERE topic = ?', [topic]);
    const now = Date.now();
    for (const { partition_id: partition, next_offset: next } of found) {
      rows += waiting[Number(partition)]?.take(Number(next), (index) => (observed.rowMs[index] = now)) ?? 0;
    }
    await sleep(POLL_MS);
  }
  ending.abort();
  await following;
  await reader.close();
  return observed;
}

/** Events of one partition whose rows are not in the database yet, in order. */
class WaitingRows {
  readonly #offsets: number[] = [];
  readonly #indexes: number[] = [];
  #head = 0;

  add(offset: number, index: number): void {
    this.#offsets.push(offset);
    this.#indexes.push(index);
  }

  /** Hands out what lies before a position; answers how many. */
  take(position: number, use: (index: number) => void): number {
    const from = this.#head;
    while (this.#head < this.#offsets.length && (this.#offsets[this.#head] ?? 0) < position) {
      use(this.#indexes[this.#head++] ?? 0);
    }
    return this.#head - from;
  }
}
