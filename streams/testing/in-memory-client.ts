/**
 * One process's view of the in-memory log: the `LogClient` port, plus the ways in which a process can fall silent.
 *
 * Invariant: everything this client's producers, consumers and readers do goes through its one session, so crashing or
 * pausing the client stops all of them at once.
 */
import type {
  GroupConsumer,
  GroupConsumerOptions,
  LogAdmin,
  LogClient,
  LogProducer,
  LogReader,
  TransactionalProducer,
} from '../ports.ts';
import type { InMemoryBroker } from './in-memory-broker.ts';
import { InMemoryConsumer } from './in-memory-consumer.ts';
import { InMemoryPlainProducer } from './in-memory-plain-producer.ts';
import { InMemoryProducer } from './in-memory-producer.ts';
import { InMemoryReader } from './in-memory-reader.ts';
import { ClientSession } from './in-memory-session.ts';

export class InMemoryClient implements LogClient {
  readonly #session: ClientSession;
  readonly #broker: InMemoryBroker;
  readonly #nextMemberId: (clientId: string) => string;
  readonly #consumers: GroupConsumer[] = [];

  constructor(clientId: string, broker: InMemoryBroker, nextMemberId: (clientId: string) => string) {
    this.#session = new ClientSession(clientId, broker);
    this.#broker = broker;
    this.#nextMemberId = nextMemberId;
  }

  consumer(options: GroupConsumerOptions): GroupConsumer {
    const memberId = this.#nextMemberId(options.clientId);
    const consumer = new InMemoryConsumer(memberId, options, this.#session, this.#broker);
    this.#consumers.push(consumer);
    return consumer;
  }

  producer(transactionalId: string): TransactionalProducer {
    return new InMemoryProducer(transactionalId, this.#session, this.#broker);
  }

  plainProducer(): LogProducer {
    return new InMemoryPlainProducer(this.#session, this.#broker);
  }

  reader(): LogReader {
    return new InMemoryReader(this.#session, this.#broker);
  }

  admin(): LogAdmin {
    const { topics } = this.#broker;
    return {
      partitionCounts: (names) => this.#session.call('admin.describe', '', () => topics.partitionCounts(names)),
      createTopics: (specs) => this.#session.call('admin.create', '', () => topics.create(specs)),
      close: () => Promise.resolve(),
    };
  }

  /** Leaves its groups. Open transactions of its producers stay open until they are taken over or time out. */
  async close(): Promise<void> {
    for (const consumer of this.#consumers) await consumer.close();
    await this.#session.close();
  }

  /** Kills the process: its calls never return and take no more effect; the log finds out by timeouts. */
  crash(): void {
    this.#session.crash();
  }

  /** Stalls the process: its calls wait until `resume`, while its sessions and transactions run into their timeouts. */
  pause(): void {
    this.#session.pause();
  }

  resume(): void {
    this.#session.resume();
  }
}
