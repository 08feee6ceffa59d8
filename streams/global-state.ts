/**
 * Global stores: the whole content of a topic, held by every thread and kept up to date while it runs.
 *
 * Invariant: no task processes a record before every global store holds what its topic held when the thread started.
 */
import { recoveryOf } from './errors.ts';
import type { FetchedBatch, LogAdmin, LogReader, Logger, Metrics, StateBackend, TopicPartition } from './ports.ts';
import { TopologyError } from './errors.ts';
import type { Processor, ProcessorContext } from './processor.ts';
import { messageOf } from './record-queue.ts';
import type { StateStore } from './state-store.ts';
import type { GlobalStoreNode } from './topology.ts';

export interface GlobalStateOptions {
  readonly applicationId: string;
  readonly globalStores: readonly GlobalStoreNode[];
  readonly backend: StateBackend;
  readonly reader: LogReader;
  readonly admin: LogAdmin;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly systemTimeMs: () => number;
}

interface RunningGlobalStore {
  readonly node: GlobalStoreNode;
  readonly store: StateStore;
  readonly processor: Processor<unknown, unknown>;
}

export class GlobalState {
  readonly stores: ReadonlyMap<string, StateStore>;
  readonly #options: GlobalStateOptions;
  readonly #running: readonly RunningGlobalStore[];
  #positions: (TopicPartition & { offset: number })[] = [];

  constructor(options: GlobalStateOptions) {
    this.#options = options;
    this.#running = options.globalStores.map((node) => this.#start(node));
    this.stores = new Map(this.#running.map(({ store }) => [store.name, store]));
  }

  /** Reads every topic from where the state stands to its end. */
  async restore(signal: AbortSignal): Promise<void> {
    this.#positions = [];
    for (const running of this.#running) {
      for (const partition of await this.#partitions(running.node.topic)) {
        const { beginning, end } = await this.#options.reader.range(partition);
        const from = Math.max(beginning, this.#options.backend.position(partition) ?? beginning);
        if (from < end) {
          await this.#options.reader.read(partition, from, end, (batch) => this.#apply(running, batch), signal);
        }
        this.#positions.push({ ...partition, offset: Math.max(from, end) });
      }
    }
  }

  /** Goes on reading until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    if (this.#positions.length === 0) return;
    const byTopic = new Map(this.#running.map((running) => [running.node.topic, running]));
    await this.#options.reader.follow(
      this.#positions,
      (batch) => {
        const running = byTopic.get(batch.topic);
        return running && this.#apply(running, batch);
      },
      signal,
    );
  }

  async close(): Promise<void> {
    for (const { processor, store } of this.#running) {
      processor.close?.();
      store.close();
    }
    await this.#options.backend.close();
  }

  async #partitions(topic: string): Promise<readonly TopicPartition[]> {
    const count = (await this.#options.admin.partitionCounts([topic])).get(topic);
    if (count === undefined) {
      throw new TopologyError(
        'UNKNOWN_TOPIC',
        `The topic "${topic}" of a global store does not exist; create it first.`,
      );
    }
    return Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  }

  /** A record that cannot be read or applied is logged, counted and left out; the store keeps its former value. */
  async #apply(running: RunningGlobalStore, batch: FetchedBatch): Promise<void> {
    const { node, store, processor } = running;
    const { backend, logger, metrics } = this.#options;
    await node.value.prepare?.(batch.topic, batch.records);
    for (const { key, value, headers, timestampMs, offset } of batch.records) {
      store.mark();
      try {
        const decoded = {
          key: node.key.deserialize(batch.topic, key, headers),
          value: value === null ? null : node.value.deserialize(batch.topic, value, headers),
          timestampMs,
          headers,
        };
        processor.process(decoded);
      } catch (cause) {
        if (recoveryOf(cause) === 'rebuild-task') throw cause;
        store.undo();
        metrics.counter('stream_global_dropped_records', { store: store.name }).add(1);
        logger.error(`A record of the global table "${store.name}" is refused: ${messageOf(cause)}`, {
          topic: batch.topic,
          partition: batch.partition,
          offset,
          err: cause,
        });
      }
    }
    const state = backend.batch();
    store.stage(state);
    state.setPosition(batch, batch.nextOffset);
    backend.write(state);
  }

  #start(node: GlobalStoreNode): RunningGlobalStore {
    const { backend, metrics } = this.#options;
    const store = node.store.build({ taskId: 'global', backend, metrics, streamTimeMs: () => -1 });
    const processor = node.supplier();
    processor.init?.(this.#context(node, store));
    return { node, store, processor };
  }

  #context(node: GlobalStoreNode, store: StateStore): ProcessorContext {
    const { applicationId, metrics, logger, systemTimeMs } = this.#options;
    const refuse = (what: string) => (): never => {
      throw new TopologyError('GLOBAL_PROCESSOR', `"${node.processor}" keeps a global store; it cannot ${what}.`);
    };
    return {
      applicationId,
      taskId: 'global',
      partition: -1,
      recordMetadata: undefined,
      streamTimeMs: -1,
      get systemTimeMs() {
        return systemTimeMs();
      },
      forward: refuse('forward'),
      schedule: refuse('schedule'),
      onDue: refuse('have timers'),
      requestCommit: refuse('commit'),
      getStateStore: <S extends StateStore>(name: string): S => {
        if (name !== store.name)
          throw new TopologyError('STORE_NOT_CONNECTED', `"${node.processor}" keeps only "${store.name}".`);
        return store as S;
      },
      metrics,
      logger: logger.child({ node: node.processor }),
    };
  }
}
