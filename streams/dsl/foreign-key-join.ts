/**
 * Joins of two tables by a foreign key.
 *
 * Invariant: subscriptions go to the partition of the foreign key and answers back to the partition they came from, so the two
 * tables need not be partitioned alike.
 */
import { bytesSerde } from '../serdes.ts';
import { requireSerde, type DslGraph } from './graph.ts';
import type { Materialized } from './options.ts';
import {
  AnswerResolver,
  ForeignChangeSender,
  SubscriptionReceiver,
  SubscriptionSender,
} from './operators/foreign-key-join.ts';
import { answerSerde, subscriberSerde, subscriptionSerde, type ForeignAnswer } from './operators/foreign-key-serdes.ts';
import { nullable, orNull } from './serdes.ts';
import type { TableShape } from './shapes.ts';
import { sinkPartitioner } from './sink.ts';
import { addTable } from './table-source.ts';

export interface ForeignKeyJoin<K, V, KO, VO, VR> {
  readonly foreignKey: (value: V, key: K) => KO | null;
  readonly joiner: (value: V, other: VO | null) => VR;
  /** Rows that name no foreign row have a result too. */
  readonly leftAlone: boolean;
  readonly materialized: Materialized<K, VR>;
}

type AnyJoin = ForeignKeyJoin<unknown, unknown, unknown, unknown, unknown>;
type AnyTable = TableShape<unknown, unknown>;

export function joinByForeignKey(graph: DslGraph, primary: AnyTable, foreign: AnyTable, join: AnyJoin): AnyTable {
  const names = foreignKeyJoinNames(graph, join.materialized);
  primary.operator.sendOldValues(true);
  addSubscriptions(graph, primary, foreign, join, names);
  addAnswers(graph, primary, foreign, join, names);
  return addTable(graph, {
    name: names.result,
    parent: names.resolver,
    storeName: names.resultStore,
    serdes: { key: primary.key, value: undefined },
    materialized: join.materialized,
  });
}

type Names = ReturnType<typeof foreignKeyJoinNames>;

/** In the order in which Kafka Streams generates them. */
function foreignKeyJoinNames(graph: DslGraph, { name, as }: Materialized<unknown, unknown>) {
  const named = (suffix: string, prefix: string): string =>
    name === undefined ? graph.nextName(prefix) : `${name}${suffix}`;
  const registration = 'KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-';
  const processor = 'KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-';
  return {
    subscriptions: named('-subscription-registration', registration),
    sender: named('-subscription-registration-processor', registration),
    subscriptionSink: named('-subscription-registration-sink', 'KTABLE-SINK-'),
    subscriptionSource: named('-subscription-registration-source', 'KTABLE-SOURCE-'),
    store: named('-subscription-store', 'KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-'),
    receiver: named('-subscription-receive', processor),
    // Kafka Streams has a node of its own that answers subscriptions.
    answering: named('-subscription-join-foreign', processor),
    foreign: named('-foreign-join-subscription', processor),
    answers: named('-subscription-response', 'KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-'),
    answerSink: named('-subscription-response-sink', 'KTABLE-SINK-'),
    answerSource: named('-subscription-response-source', 'KTABLE-SOURCE-'),
    resolver: named('-subscription-response-resolver', 'KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-'),
    result: named('-result', 'KTABLE-FK-JOIN-OUTPUT-'),
    resultStore: graph.storeName(as, 'KTABLE-FK-JOIN-OUTPUT-'),
  };
}

function addSubscriptions(graph: DslGraph, primary: AnyTable, foreign: AnyTable, join: AnyJoin, names: Names): void {
  const { foreignKey, leftAlone } = join;
  const keySerde = requireSerde(primary.key, 'key', names.sender);
  const valueSerde = requireSerde(primary.value, 'value', names.sender);
  const foreignKeySerde = requireSerde(foreign.key, 'key', names.sender);
  const value = subscriptionSerde(keySerde);
  const view = foreign.operator.view();
  const answering = { node: names.receiver, storeName: names.store, view, keySerde, foreignKeySerde };
  const subscribing = {
    node: names.sender,
    foreignKey,
    foreignKeySerde,
    valueSerde,
    leftAlone,
    skipsPast: primary.versioned,
  };
  graph.addRepartitionTopic(names.subscriptions, undefined);
  graph.add((topology) =>
    topology
      .addProcessor({
        name: names.sender,
        supplier: () => new SubscriptionSender(subscribing),
        parents: [primary.name],
      })
      .addSink({
        name: names.subscriptionSink,
        topic: names.subscriptions,
        key: orNull(foreignKeySerde),
        value,
        parents: [names.sender],
        ...sinkPartitioner(names.subscriptions, foreignKeySerde, undefined),
      })
      .addSource({
        name: names.subscriptionSource,
        topics: [names.subscriptions],
        key: nullable(foreignKeySerde),
        value,
      })
      .addStateStore(graph.stores.keyValueStore({ name: names.store, key: bytesSerde, value: subscriberSerde }))
      .addProcessor({
        name: names.receiver,
        supplier: () => new SubscriptionReceiver(answering),
        parents: [names.subscriptionSource],
        stores: [names.store, ...view.stores],
      }),
  );
}

function addAnswers(graph: DslGraph, primary: AnyTable, foreign: AnyTable, join: AnyJoin, names: Names): void {
  const { joiner, leftAlone } = join;
  const keySerde = requireSerde(primary.key, 'key', names.resolver);
  const valueSerde = requireSerde(primary.value, 'value', names.resolver);
  const foreignKeySerde = requireSerde(foreign.key, 'key', names.foreign);
  const value = answerSerde<unknown>(requireSerde(foreign.value, 'value', names.foreign));
  const view = primary.operator.view();
  const changes = {
    node: names.foreign,
    storeName: names.store,
    keySerde,
    foreignKeySerde,
    skipsPast: foreign.versioned,
  };
  const resolving = {
    node: names.resolver,
    hashNode: names.sender,
    view,
    valueSerde,
    joiner: (row: unknown, other: unknown) => joiner(row, other) ?? null,
    leftAlone,
  };
  graph.addRepartitionTopic(names.answers, undefined);
  graph.add((topology) =>
    topology
      .addProcessor({
        name: names.foreign,
        supplier: () => new ForeignChangeSender(changes),
        parents: [foreign.name],
        stores: [names.store],
      })
      .addSink<unknown, ForeignAnswer<unknown>>({
        name: names.answerSink,
        topic: names.answers,
        key: keySerde,
        value,
        parents: [names.receiver, names.foreign],
        partitioner: (record) => record.value.primaryPartition,
      })
      .addSource({ name: names.answerSource, topics: [names.answers], key: keySerde, value })
      .addProcessor({
        name: names.resolver,
        supplier: () => new AnswerResolver(resolving),
        parents: [names.answerSource],
        stores: view.stores,
      }),
  );
}
