/**
 * Joining two tables by a foreign key: the nodes on both sides of the two topics between them.
 *
 * The primary side subscribes each of its rows with the foreign row it names; the foreign side answers subscriptions, at once
 * and whenever the foreign row changes; the primary side joins the answers.
 *
 * Invariant: an answer counts only if the primary row is still the one that asked, which its hash shows. So answers may arrive
 * late and out of order between the foreign rows, and the result is still that of the current rows.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { Serde } from '../../serde.ts';
import type { KeyValueStore } from '../../state-store.ts';
import type { Change } from '../change.ts';
import { bytesOf } from '../serdes.ts';
import { DroppedRecords } from './dropped.ts';
import {
  hashOf,
  sameHash,
  subscriptionKey,
  subscriptionPrefix,
  type ForeignAnswer,
  type Instruction,
  type Subscriber,
  type Subscription,
} from './foreign-key-serdes.ts';
import { laterMs, type TableReader, type TableView } from './table-operator.ts';

export type SubscriptionStore = KeyValueStore<Uint8Array, Subscriber>;

export interface Subscribing<K, V, KO> {
  readonly node: string;
  readonly foreignKey: (value: V, key: K) => KO | null;
  readonly foreignKeySerde: Serde<KO>;
  readonly valueSerde: Serde<V>;
  readonly leftAlone: boolean;
  readonly skipsPast: boolean;
}

/** Turns each update of the primary table into subscriptions. */
export class SubscriptionSender<K, V, KO> implements Processor<K, Change<V>, KO | null, Subscription<K>> {
  readonly #subscribing: Subscribing<K, V, KO>;
  #context!: ProcessorContext<KO | null, Subscription<K>>;
  #dropped!: DroppedRecords;

  constructor(subscribing: Subscribing<K, V, KO>) {
    this.#subscribing = subscribing;
  }

  init(context: ProcessorContext<KO | null, Subscription<K>>): void {
    this.#context = context;
    this.#dropped = new DroppedRecords(context, this.#subscribing.node);
  }

  process(record: Record<K, Change<V>>): void {
    const { skipsPast, leftAlone } = this.#subscribing;
    if (skipsPast && !record.value.isLatest) {
      this.#dropped.add('superseded');
      return;
    }
    if (leftAlone) this.#subscribeAlways(record);
    else this.#subscribeIfNamed(record);
  }

  /** For a left join every row has a result, so even one that names nothing gets an answer. */
  #subscribeAlways(record: Record<K, Change<V>>): void {
    const { newValue, oldValue } = record.value;
    if (newValue === null && oldValue === null) return;
    const [named, formerly] = [this.#foreignKey(record.key, newValue), this.#foreignKey(record.key, oldValue)];
    if (formerly !== null && !this.#same(named, formerly)) this.#send(record, formerly, 'remove-silently');
    this.#send(record, named, 'add-answer-always');
  }

  #subscribeIfNamed(record: Record<K, Change<V>>): void {
    const { newValue, oldValue } = record.value;
    const [named, formerly] = [this.#foreignKey(record.key, newValue), this.#foreignKey(record.key, oldValue)];
    if (newValue !== null && named === null) this.#dropped.add('null-foreign-key');
    if (named === null) {
      if (formerly !== null) this.#send(record, formerly, 'remove-answer');
      return;
    }
    const moved = formerly !== null && !this.#same(named, formerly);
    if (moved) this.#send(record, formerly, 'remove-silently');
    // A row that named another one before may have a result to lose; one that did not, has none without a foreign row.
    this.#send(record, named, moved ? 'add-answer-always' : 'add-answer-if-present');
  }

  #foreignKey(key: K, value: V | null): KO | null {
    return value === null ? null : (this.#subscribing.foreignKey(value, key) ?? null);
  }

  #same(one: KO | null, other: KO): boolean {
    const { foreignKeySerde, node } = this.#subscribing;
    if (one === null || one === other) return one === other;
    return Buffer.compare(bytesOf(foreignKeySerde, node, one), bytesOf(foreignKeySerde, node, other)) === 0;
  }

  #send({ key, value, timestampMs, headers }: Record<K, Change<V>>, foreignKey: KO | null, what: Instruction): void {
    const { valueSerde, node } = this.#subscribing;
    const hash = value.newValue === null ? null : hashOf(valueSerde, node, value.newValue);
    const subscription = { primaryKey: key, primaryPartition: this.#context.partition, hash, instruction: what };
    this.#context.forward({ key: foreignKey, value: subscription, timestampMs, headers });
  }
}

export interface Answering<K, KO, VO> {
  readonly node: string;
  readonly storeName: string;
  readonly view: TableView<KO, VO>;
  readonly keySerde: Serde<K>;
  readonly foreignKeySerde: Serde<KO>;
}

/** Keeps the subscriptions and answers each one at once. */
export class SubscriptionReceiver<K, KO, VO> implements Processor<KO | null, Subscription<K>, K, ForeignAnswer<VO>> {
  readonly #answering: Answering<K, KO, VO>;
  #context!: ProcessorContext<K, ForeignAnswer<VO>>;
  #subscriptions!: SubscriptionStore;
  #foreign!: TableReader<KO, VO>;

  constructor(answering: Answering<K, KO, VO>) {
    this.#answering = answering;
  }

  init(context: ProcessorContext<K, ForeignAnswer<VO>>): void {
    this.#context = context;
    this.#subscriptions = context.getStateStore(this.#answering.storeName);
    this.#foreign = this.#answering.view.open(context);
  }

  process({ key, value: subscription, timestampMs, headers }: Record<KO | null, Subscription<K>>): void {
    const { primaryKey, primaryPartition, hash, instruction } = subscription;
    if (key !== null) this.#keep(key, subscription);
    const row = key === null ? undefined : this.#foreign.get(key);
    const answer = (foreignValue: VO | null): void =>
      this.#context.forward({
        key: primaryKey,
        value: { hash, foreignValue, primaryPartition },
        timestampMs: laterMs(timestampMs, row?.timestampMs),
        headers,
      });
    switch (instruction) {
      case 'remove-answer':
        return answer(null);
      case 'add-answer-always':
        return answer(row?.value ?? null);
      case 'add-answer-if-present':
        if (row !== undefined) answer(row.value);
        return;
      case 'remove-silently':
        return;
    }
  }

  #keep(foreignKey: KO, { primaryKey, hash, primaryPartition, instruction }: Subscription<K>): void {
    const { foreignKeySerde, keySerde, node } = this.#answering;
    const place = subscriptionKey(bytesOf(foreignKeySerde, node, foreignKey), bytesOf(keySerde, node, primaryKey));
    const removes = instruction === 'remove-answer' || instruction === 'remove-silently';
    if (removes) this.#subscriptions.delete(place);
    else this.#subscriptions.put(place, { hash, primaryPartition });
  }
}

/** Answers all subscriptions to a foreign row when it changes. */
export class ForeignChangeSender<K, KO, VO> implements Processor<KO, Change<VO>, K, ForeignAnswer<VO>> {
  readonly #answering: Omit<Answering<K, KO, VO>, 'view'> & { readonly skipsPast: boolean };
  #context!: ProcessorContext<K, ForeignAnswer<VO>>;
  #subscriptions!: SubscriptionStore;
  #dropped!: DroppedRecords;

  constructor(answering: Omit<Answering<K, KO, VO>, 'view'> & { readonly skipsPast: boolean }) {
    this.#answering = answering;
  }

  init(context: ProcessorContext<K, ForeignAnswer<VO>>): void {
    this.#context = context;
    this.#subscriptions = context.getStateStore(this.#answering.storeName);
    this.#dropped = new DroppedRecords(context, this.#answering.node);
  }

  process({ key, value: change, timestampMs, headers }: Record<KO, Change<VO>>): void {
    const { foreignKeySerde, keySerde, node, skipsPast } = this.#answering;
    if (skipsPast && !change.isLatest) {
      this.#dropped.add('superseded');
      return;
    }
    const { from, to } = subscriptionPrefix(bytesOf(foreignKeySerde, node, key));
    for (const { key: place, value: subscriber } of [...this.#subscriptions.range(from, to)]) {
      const primaryKey = keySerde.deserialize(node, place.subarray(from.length));
      const answer = { ...subscriber, foreignValue: change.newValue };
      this.#context.forward({ key: primaryKey, value: answer, timestampMs, headers });
    }
  }
}

export interface Resolving<K, V, VO, VR> {
  readonly node: string;
  /** Given to the value's serde for a topic, as the sender does. */
  readonly hashNode: string;
  readonly view: TableView<K, V>;
  readonly valueSerde: Serde<V>;
  readonly joiner: (value: V, other: VO | null) => VR | null;
  readonly leftAlone: boolean;
}

/** Joins each answer with the primary row that asked for it. */
export class AnswerResolver<K, V, VO, VR> implements Processor<K, ForeignAnswer<VO>, K, VR | null> {
  readonly #resolving: Resolving<K, V, VO, VR>;
  #context!: ProcessorContext<K, VR | null>;
  #primary!: TableReader<K, V>;
  #dropped!: DroppedRecords;

  constructor(resolving: Resolving<K, V, VO, VR>) {
    this.#resolving = resolving;
  }

  init(context: ProcessorContext<K, VR | null>): void {
    this.#context = context;
    this.#primary = this.#resolving.view.open(context);
    this.#dropped = new DroppedRecords(context, this.#resolving.node);
  }

  process({ key, value: answer, timestampMs, headers }: Record<K, ForeignAnswer<VO>>): void {
    const { valueSerde, hashNode, joiner, leftAlone } = this.#resolving;
    const row = this.#primary.get(key);
    const hash = row === undefined ? null : hashOf(valueSerde, hashNode, row.value);
    if (!sameHash(hash, answer.hash)) {
      this.#dropped.add('stale-response');
      return;
    }
    const exists = row !== undefined && (leftAlone || answer.foreignValue !== null);
    const value = exists ? joiner(row.value, answer.foreignValue) : null;
    this.#context.forward({ key, value, timestampMs, headers });
  }
}
