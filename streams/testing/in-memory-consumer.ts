/**
 * A member of a consumer group on the in-memory log.
 *
 * Invariant: it reads a partition only while it holds it in the current generation, from where it was last sought, each
 * committed record once and in order. A partition that it did not hold before waits for its `seek`.
 */
import { FatalLogError, RetriableLogError } from '../errors.ts';
import type {
  CommittedPosition,
  ConsumerPoll,
  FetchedBatch,
  GroupConsumer,
  GroupConsumerOptions,
  TopicPartition,
} from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import { copyOf } from './bytes.ts';
import type { InMemoryBroker } from './in-memory-broker.ts';
import type { InMemoryGroup, JoinAnswer } from './in-memory-group.ts';
import type { InMemoryPartition } from './in-memory-partition.ts';
import type { ClientSession } from './in-memory-session.ts';

interface AssignedPartition {
  readonly partition: InMemoryPartition;
  /** Undefined until the first seek. */
  position: number | undefined;
  paused: boolean;
}

interface Readable {
  readonly assigned: AssignedPartition;
  readonly position: number;
}

interface Fetched extends Readable {
  readonly batch: FetchedBatch;
}

/** How long a consumer waits after a broker fault before it asks again. */
const RETRY_BACKOFF_MS = 100;

const NOTHING: ConsumerPoll = { kind: 'records', batches: [] };

export class InMemoryConsumer implements GroupConsumer {
  readonly #memberId: string;
  readonly #options: GroupConsumerOptions;
  readonly #session: ClientSession;
  readonly #broker: InMemoryBroker;
  readonly #group: InMemoryGroup;
  readonly #closing = new AbortController();
  #assigned = new Map<string, AssignedPartition>();
  #wakeup = false;

  constructor(memberId: string, options: GroupConsumerOptions, session: ClientSession, broker: InMemoryBroker) {
    this.#memberId = memberId;
    this.#options = options;
    this.#session = session;
    this.#broker = broker;
    this.#group = broker.group(options.groupId);
  }

  async rejoin(userData: Uint8Array): Promise<readonly TopicPartition[]> {
    const { groupId, topics, assignor, sessionTimeoutMs } = this.#options;
    const member = { memberId: this.#memberId, topics, userData: copyOf(userData), assignor, sessionTimeoutMs };
    const join = (): Promise<JoinAnswer> => {
      for (const topic of topics) this.#broker.topics.partitions(topic);
      return this.#group.join({ ...member, session: this.#session });
    };
    for (;;) {
      this.#assertOpen();
      try {
        const { partitions, announced } = await this.#session.call('consumer.join', groupId, join);
        assignor.onAnnouncement?.(announced);
        this.#assigned = this.#keepingPositions(partitions);
        return partitions;
      } catch (error) {
        await this.#backOff(error);
      }
    }
  }

  async poll(timeoutMs: number): Promise<ConsumerPoll> {
    this.#assertOpen();
    const { clock } = this.#broker;
    const deadlineMs = clock.now() + timeoutMs;
    while (!this.#closing.signal.aborted) {
      const polled = await this.#fetch();
      if (polled !== undefined) return polled;
      if (this.#wakeup || clock.now() >= deadlineMs) break;
      await this.#session.wait(() => this.#hasNews(), deadlineMs - clock.now(), this.#closing.signal);
    }
    this.#wakeup = false;
    return NOTHING;
  }

  /** Remembered by the next `poll` when none is waiting, so that a wakeup is never lost to a race. */
  wakeup(): void {
    this.#wakeup = true;
    this.#broker.changes.notify();
  }

  committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedPosition | undefined)[]> {
    const read = (): (CommittedPosition | undefined)[] =>
      partitions.map((partition) => this.#group.committed(partition));
    return this.#session.call('consumer.committed', this.#options.groupId, read);
  }

  seek(partition: TopicPartition, offset: number): void {
    const key = topicPartitionKey(partition);
    const assigned = this.#assigned.get(key);
    if (assigned === undefined) {
      throw new FatalLogError(
        'NOT_ASSIGNED',
        `${key} is not assigned to ${this.#memberId}; seek after rejoin has given it`,
      );
    }
    assigned.position = offset;
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, false);
    this.#broker.changes.notify();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    try {
      await this.#session.call('consumer.leave', this.#options.groupId, () => this.#group.leave(this.#memberId));
    } catch (error) {
      // Nobody told the group: it finds out by the session timeout, as with a broken connection.
      if (!(error instanceof RetriableLogError)) throw error;
      this.#group.fallSilent(this.#memberId);
    }
  }

  /** Undefined when there is nothing to return yet. Positions move only once the answer has arrived. */
  async #fetch(): Promise<ConsumerPoll | undefined> {
    try {
      const answer = await this.#session.call('consumer.fetch', this.#options.groupId, () => this.#read());
      if (typeof answer === 'string') return { kind: 'rebalance', reason: answer };
      const batches = answer.filter((fetched) => this.#take(fetched)).map(({ batch }) => batch);
      return batches.length > 0 ? { kind: 'records', batches } : undefined;
    } catch (error) {
      await this.#backOff(error);
      return undefined;
    }
  }

  /** Waits after a passing fault; any other goes to the caller. */
  async #backOff(error: unknown): Promise<void> {
    if (!(error instanceof RetriableLogError)) throw error;
    await this.#session.sleep(RETRY_BACKOFF_MS, this.#closing.signal);
  }

  /** The reason to join again, or what the positioned partitions hold beyond their positions. */
  #read(): string | readonly Fetched[] {
    const reason = this.#group.rejoinReason(this.#memberId);
    if (reason !== undefined) return reason;
    return this.#readable().map(({ assigned, position }) => {
      const batch = assigned.partition.fetch(position, this.#broker.fetchMaxRecords);
      return { assigned, position, batch };
    });
  }

  /** Moves the partition on, unless it was sought, paused or taken away while the answer was under way. */
  #take({ assigned, position, batch }: Fetched): boolean {
    if (assigned.position !== position || assigned.paused) return false;
    if (this.#assigned.get(topicPartitionKey(batch)) !== assigned) return false;
    assigned.position = batch.nextOffset;
    return true;
  }

  #hasNews(): boolean {
    if (this.#wakeup || this.#group.rejoinReason(this.#memberId) !== undefined) return true;
    return this.#readable().length > 0;
  }

  #readable(): Readable[] {
    const readable: Readable[] = [];
    for (const assigned of this.#assigned.values()) {
      const { partition, position, paused } = assigned;
      if (position !== undefined && !paused && partition.hasNews(position)) readable.push({ assigned, position });
    }
    return readable;
  }

  #keepingPositions(assignment: readonly TopicPartition[]): Map<string, AssignedPartition> {
    const kept = new Map<string, AssignedPartition>();
    for (const id of assignment) {
      const key = topicPartitionKey(id);
      const position = this.#assigned.get(key)?.position;
      kept.set(key, { partition: this.#broker.topics.partition(id), position, paused: false });
    }
    return kept;
  }

  #setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const partition of partitions) {
      const assigned = this.#assigned.get(topicPartitionKey(partition));
      if (assigned !== undefined) assigned.paused = paused;
    }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted)
      throw new FatalLogError('CONSUMER_CLOSED', `${this.#memberId} is closed; make another`);
  }
}
