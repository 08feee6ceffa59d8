/**
 * Runs a topology for tests: the real tasks, with the real commit and restore, on the in-memory log and a virtual clock.
 *
 * Invariant: when a call resolves, everything it caused has been processed and committed, through as many sub-topologies as it
 * takes; nothing happens between calls.
 */
import { streamsConfig, type StreamsConfig } from '../config.ts';
import { GlobalState } from '../global-state.ts';
import { prepareTopics, taskCount } from '../internal-topics.ts';
import type {
  GroupConsumer,
  LogClient,
  LogProducer,
  LogReader,
  Logger,
  Metrics,
  StateBackendFactory,
  TopicPartition,
} from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import type { HeaderList } from '../record.ts';
import type { Deserializer, Serializer } from '../serde.ts';
import type { StateStore } from '../state-store.ts';
import type { StreamTask } from '../task.ts';
import { TaskAssignor, taskIdOf } from '../task-assignor.ts';
import { openTask } from '../task-opener.ts';
import type { BuiltTopology, SubTopology, Topology } from '../topology.ts';
import { copyOf } from './bytes.ts';
import { InMemoryLog } from './in-memory-log.ts';
import { silentLogger, silentMetrics } from './silent.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface TopologyTestDriverOptions {
  readonly topology: Topology;
  /** Where the stores live, such as the in-memory or the RocksDB factory. A second driver on the same one finds the state. */
  readonly stateFactory: StateBackendFactory;
  readonly config?: Partial<StreamsConfig>;
  /** Partitions of every topic. Default 1. */
  readonly partitions?: number;
  /** Settings of topics by name, such as `message.timestamp.type`. */
  readonly topicConfigs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The wall clock at the start, UTC epoch milliseconds. Default 0. */
  readonly startTimeMs?: number;
  /** A log to run on, for instance that of an earlier driver. */
  readonly log?: { readonly log: InMemoryLog; readonly clock: VirtualClock };
  readonly metrics?: Metrics;
  readonly logger?: Logger;
}

export interface TestRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestampMs: number;
  readonly headers: HeaderList | undefined;
  readonly partition: number;
  readonly offset: number;
}

export interface TestInputOptions {
  /** The time of the first record that is piped without one, UTC epoch milliseconds. Default: the virtual clock of each. */
  readonly startTimeMs?: number;
  /** How much later each next one is. Milliseconds, default 0. */
  readonly autoAdvanceMs?: number;
}

export interface TestInputTopic<K, V> {
  /** Default time: see `TestInputOptions`. Default partition: by the key's hash. */
  pipe(key: K, value: V, options?: { timestampMs?: number; partition?: number; headers?: HeaderList }): Promise<void>;
  /** One after the other, each processed before the next. */
  pipeAll(records: Iterable<readonly [key: K, value: V, timestampMs?: number]>): Promise<void>;
  /** Moves the time of records without one on; stream time follows with the next record. Only with a start time. */
  advanceTime(ms: number): void;
}

export interface TestOutputTopic<K, V> {
  /** The committed records that were not read yet, by partition and offset. */
  read(): Promise<TestRecord<K, V>[]>;
  /** The same without what is around keys and values. */
  readKeyValues(): Promise<[key: K, value: V][]>;
  /** The same, the last value of each key. */
  readToMap(): Promise<Map<K, V>>;
}

/** Settings that hold unless the options say otherwise. */
const defaults = { applicationId: 'test', deadLetterTopic: 'dead-letters' };

export class TopologyTestDriver {
  readonly log: InMemoryLog;
  readonly clock: VirtualClock;
  readonly #options: TopologyTestDriverOptions;
  readonly #topology: BuiltTopology;
  readonly #config: StreamsConfig;
  readonly #client: LogClient;
  readonly #reader: LogReader;
  readonly #producer: LogProducer;
  readonly #signal = new AbortController().signal;
  readonly #tasks = new Map<string, StreamTask>();
  readonly #fetched = new Map<string, number>();
  #globalState: GlobalState | undefined;
  #partitionCounts: ReadonlyMap<string, number> = new Map();

  private constructor(options: TopologyTestDriverOptions) {
    this.#options = options;
    this.#config = streamsConfig({ ...defaults, ...options.config });
    this.#topology = options.topology.build(this.#config.applicationId);
    this.clock = options.log?.clock ?? new VirtualClock(options.startTimeMs ?? 0);
    this.log = options.log?.log ?? new InMemoryLog({ clock: this.clock });
    this.#client = this.log.client('topology-test-driver');
    this.#reader = this.#client.reader();
    this.#producer = this.#client.plainProducer();
  }

  static async start(options: TopologyTestDriverOptions): Promise<TopologyTestDriver> {
    const driver = new TopologyTestDriver(options);
    await driver.#createTopics();
    await driver.#openAll();
    return driver;
  }

  inputTopic<K, V>(
    topic: string,
    key: Serializer<K>,
    value: Serializer<V>,
    { startTimeMs, autoAdvanceMs = 0 }: TestInputOptions = {},
  ): TestInputTopic<K, V> {
    let nextMs = startTimeMs;
    const stamp = (): number => {
      if (nextMs === undefined) return this.clock.now();
      nextMs += autoAdvanceMs;
      return nextMs - autoAdvanceMs;
    };
    const pipe: TestInputTopic<K, V>['pipe'] = async (recordKey, recordValue, options = {}) => {
      await this.#producer.send([
        {
          topic,
          key: copy(key.serialize(topic, recordKey)),
          value: copy(value.serialize(topic, recordValue)),
          timestampMs: options.timestampMs ?? stamp(),
          ...(options.partition !== undefined && { partition: options.partition }),
          ...(options.headers !== undefined && { headers: options.headers }),
        },
      ]);
      await this.run();
    };
    return {
      pipe,
      pipeAll: async (records) => {
        for (const [recordKey, recordValue, timestampMs] of records) {
          await pipe(recordKey, recordValue, timestampMs === undefined ? {} : { timestampMs });
        }
      },
      advanceTime: (ms) => {
        if (nextMs === undefined) throw new Error(`The input "${topic}" goes by the clock; give it a start time.`);
        nextMs += ms;
      },
    };
  }

  outputTopic<K, V>(topic: string, key: Deserializer<K>, value: Deserializer<V>): TestOutputTopic<K, V> {
    const positions = new Map<string, number>();
    const read = async (): Promise<TestRecord<K, V>[]> => {
      const records: TestRecord<K, V>[] = [];
      for (const partition of await this.#partitionsOf(topic)) {
        const name = topicPartitionKey(partition);
        const { beginning, end } = await this.#reader.range(partition);
        const from = positions.get(name) ?? beginning;
        await this.#reader.read(partition, from, end, (batch) => {
          for (const { offset, timestampMs, headers, ...raw } of batch.records) {
            const decoded = {
              key: key.deserialize(topic, raw.key, headers),
              value: value.deserialize(topic, raw.value, headers),
            };
            records.push({ ...decoded, timestampMs, headers, partition: partition.partition, offset });
          }
        });
        positions.set(name, end);
      }
      return records;
    };
    const readKeyValues = async (): Promise<[K, V][]> =>
      (await read()).map((record) => [record.key, record.value] as [K, V]);
    return { read, readKeyValues, readToMap: async () => new Map(await readKeyValues()) };
  }

  /** Moves the wall clock on and lets punctuators and timers fire. */
  async advanceWallClock(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.run();
  }

  /** A store as the task of that partition sees it, or a global store. */
  store<S extends StateStore>(name: string, partition = 0): S {
    const stores = this.stores(partition);
    const store = stores.get(name);
    if (store === undefined) {
      throw new Error(`No store "${name}" in partition ${partition}; there are: ${[...stores.keys()].join(', ')}.`);
    }
    return store as S;
  }

  /** Every store of the topology by name, as the tasks of that partition see it, and the global ones. */
  stores(partition = 0): ReadonlyMap<string, StateStore> {
    const stores = new Map(this.#globalState?.stores);
    for (const { id } of this.#topology.subTopologies) {
      const task = this.#tasks.get(taskIdOf(id, partition));
      for (const { store } of task?.stores ?? []) stores.set(store.name, store);
    }
    return stores;
  }

  /** Drops all tasks as a crash would, uncommitted work and all, and opens them again from their state and the log. */
  async restart(): Promise<void> {
    for (const task of this.#tasks.values()) await task.closeDirty();
    await this.#globalState?.close();
    this.#tasks.clear();
    this.#fetched.clear();
    await this.#openAll();
    await this.run();
  }

  async close(): Promise<void> {
    for (const task of this.#tasks.values()) await task.closeClean(this.clock);
    await this.#globalState?.close();
    await this.#client.close();
  }

  /** Processes and commits until nothing is left to do. */
  async run(): Promise<void> {
    for (let progress = true; progress;) {
      progress = false;
      await this.#globalState?.restore(this.#signal);
      for (const task of this.#tasks.values()) if (await this.#runTask(task)) progress = true;
    }
  }

  async #runTask(task: StreamTask): Promise<boolean> {
    for (const { topicPartition, position } of task.inputs) await this.#fetch(task, topicPartition, position);
    const nowMs = this.clock.now();
    let done = 0;
    for (let step = 1; step > 0; done += step) step = task.process(nowMs, this.#config.maxRecordsPerTurn);
    task.punctuate(nowMs);
    if (!task.commitNeeded) return done > 0;
    await task.commit(this.clock);
    return true;
  }

  async #fetch(task: StreamTask, partition: TopicPartition, position: number): Promise<void> {
    const name = topicPartitionKey(partition);
    const from = Math.max(position, this.#fetched.get(name) ?? 0);
    const { end } = await this.#reader.range(partition);
    if (from >= end) return;
    const source = task.inputs.find(({ topicPartition }) => topicPartition === partition)?.source;
    await this.#reader.read(partition, from, end, async (batch) => {
      await source?.value.prepare?.(batch.topic, batch.records);
      task.add(batch);
    });
    this.#fetched.set(name, end);
  }

  async #createTopics(): Promise<void> {
    const { partitions = 1, topicConfigs = {} } = this.#options;
    const sinks = this.#topology.subTopologies.flatMap(({ nodes }) => nodes.filter((node) => node.kind === 'sink'));
    const names = new Set([
      ...this.#topology.subTopologies.flatMap(({ sourceTopics }) => sourceTopics),
      ...this.#topology.globalStores.map(({ topic }) => topic),
      ...sinks.map(({ topic }) => topic),
      ...(this.#config.deadLetterTopic === undefined ? [] : [this.#config.deadLetterTopic]),
    ]);
    for (const { topic } of this.#topology.repartitionTopics) names.delete(topic);
    const admin = this.#client.admin();
    await admin.createTopics([...names].map((name) => ({ name, partitions, config: topicConfigs[name] ?? {} })));
    this.#partitionCounts = await prepareTopics(
      this.#topology,
      this.#config.applicationId,
      admin,
      this.#config.deadLetterTopic,
    );
  }

  async #openAll(): Promise<void> {
    const { applicationId } = this.#config;
    const backend = await this.#options.stateFactory.open('global');
    this.#globalState = new GlobalState({
      applicationId,
      globalStores: this.#topology.globalStores,
      backend,
      reader: this.#reader,
      admin: this.#client.admin(),
      metrics: this.#options.metrics ?? silentMetrics,
      logger: this.#options.logger ?? silentLogger,
      systemTimeMs: () => this.clock.now(),
    });
    await this.#globalState.restore(this.#signal);
    for (const subTopology of this.#topology.subTopologies) {
      for (let partition = 0; partition < taskCount(subTopology, this.#partitionCounts); partition++) {
        await this.#open(subTopology, partition, this.#globalState);
      }
    }
  }

  async #open(subTopology: SubTopology, partition: number, globalState: GlobalState): Promise<void> {
    const task = await openTask(
      { subTopology, partition },
      {
        config: this.#config,
        client: this.#client,
        consumer: this.#consumer(),
        reader: this.#reader,
        stateFactory: this.#options.stateFactory,
        globalStores: globalState.stores,
        partitionCounts: this.#partitionCounts,
        clock: this.clock,
        metrics: this.#options.metrics ?? silentMetrics,
        logger: this.#options.logger ?? silentLogger,
      },
      this.#signal,
    );
    this.#tasks.set(task.taskId, task);
  }

  /** Gives committed offsets; the driver itself decides what is read, so there is no group to join. */
  #consumer(): GroupConsumer {
    const consumer = this.#client.consumer({
      groupId: this.#config.applicationId,
      clientId: 'topology-test-driver',
      topics: this.#topology.subTopologies.flatMap(({ sourceTopics }) => sourceTopics),
      assignor: new TaskAssignor({
        applicationId: this.#config.applicationId,
        subTopologies: this.#topology.subTopologies,
        standbyReplicas: 0,
      }),
      sessionTimeoutMs: this.#config.sessionTimeoutMs,
    });
    return Object.assign(Object.create(consumer) as GroupConsumer, {
      committed: (partitions: readonly TopicPartition[]) => consumer.committed(partitions),
    });
  }

  async #partitionsOf(topic: string): Promise<readonly TopicPartition[]> {
    const count = (await this.#client.admin().partitionCounts([topic])).get(topic) ?? 0;
    return Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  }
}

const copy = (bytes: Uint8Array | null): Uint8Array | null => bytes && copyOf(bytes);
