/** Instances of one counting application on one in-memory log, with clients that reach each other as over a network. */
import { stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { keyValueStore } from '../../../state/stores.ts';
import { KafkaStreams } from '../../../streams/client/kafka-streams.ts';
import { localThreads } from '../../../streams/client/local-threads.ts';
import type { ClientQuery, RemoteQuery } from '../../../streams/client/query-router.ts';
import { streamsConfig, type StreamsConfig } from '../../../streams/config.ts';
import { QueryError } from '../../../streams/queries/query-error.ts';
import type { QueryAnswer } from '../../../streams/queries/query.ts';
import { partitionForKey } from '../../../streams/partitioner.ts';
import type { Processor } from '../../../streams/processor.ts';
import { float64Serde, stringSerde } from '../../../streams/serdes.ts';
import type { KeyValueStore } from '../../../streams/state-store.ts';
import type { FaultInjector } from '../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { Topology } from '../../../streams/topology.ts';

export const PARTITIONS = 4;
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const partitionOf = (key: string): number => partitionForKey(bytes(key), PARTITIONS);

/** Fails, with an error that only stopping answers, on the value "poison". */
const counting = (): Processor<string, string> => {
  let counts: KeyValueStore<string, number>;
  return {
    init: (context) => (counts = context.getStateStore('counts')),
    process: ({ key, value }) => {
      if (value === 'poison') throw new Error('poison');
      counts.put(key, (counts.get(key) ?? 0) + 1);
    },
  };
};

const countingTopology = () =>
  new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'count', supplier: counting, parents: ['in'] })
    .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: float64Serde }), ['count']);

export interface Instance {
  readonly streams: KafkaStreams;
  /** The instance is gone from one moment to the next. */
  kill(): void;
}

export class QueryWorld {
  readonly clock = new VirtualClock(1_000_000);
  readonly log: InMemoryLog;
  readonly instances = new Map<string, Instance>();
  readonly #dead = new Set<string>();

  constructor(faults?: FaultInjector) {
    this.log = new InMemoryLog({ clock: this.clock, ...(faults && { faults }) });
    this.log.createTopics([{ name: 'input', partitions: PARTITIONS, config: {} }]);
  }

  start(name: string, config: Partial<StreamsConfig> = {}, threads = 1): Instance {
    const server = `http://${name}`;
    const client = this.log.client(name);
    const stateFactory = new MemoryBackendFactory();
    const remote: RemoteQuery = (address, query) => this.#askOver(address, query);
    const streams = new KafkaStreams({
      ...{ applicationId: 'app', processId: name, threads, remote, clock: this.clock, logger: silentLogger },
      host: localThreads(async (index) => ({
        name: `${name}-${index}`,
        topology: countingTopology().build('app'),
        config: streamsConfig({
          ...{ applicationId: 'app', processId: name, applicationServer: server },
          errorHandlers: { deserialization: () => 'fail', processing: () => 'fail', production: () => 'fail' },
          ...config,
        }),
        ...{ client, stateFactory, clock: this.clock, metrics: silentMetrics, logger: silentLogger },
        globalBackend: await new MemoryBackendFactory().open('global'),
      })),
    });
    streams.start();
    const instance = {
      streams,
      kill: () => {
        this.#dead.add(server);
        client.crash();
        this.instances.delete(name);
      },
    };
    this.instances.set(name, instance);
    return instance;
  }

  async send(...records: readonly (readonly [key: string, value: string])[]): Promise<void> {
    const sent = records.map(([key, value]) => ({
      ...{ topic: 'input', partition: partitionOf(key), key: bytes(key), value: bytes(value) },
      timestampMs: this.clock.now(),
    }));
    await this.clock.runUntil(this.log.client('test').plainProducer().send(sent));
  }

  async ask(from: string, key: string, more: Partial<ClientQuery> = {}): Promise<QueryAnswer> {
    const { streams } = this.instances.get(from) as Instance;
    return this.clock.runUntil(streams.query({ store: 'counts', query: { kind: 'key', key: bytes(key) }, ...more }));
  }

  /** The instance that runs the task of the key, and another one. */
  ownerOf(key: string): { owner: string; other: string } {
    const [first] = this.instances.values();
    const owner = first?.streams.queryMetadataForKey('counts', bytes(key)).owner?.processId ?? '';
    const other = [...this.instances.keys()].find((name) => name !== owner) ?? '';
    return { owner, other };
  }

  async stop(): Promise<void> {
    const closing = [...this.instances.values()].map(({ streams }) => streams.close(60_000));
    await this.clock.runUntil(Promise.allSettled(closing));
  }

  #askOver(address: string, query: ClientQuery): Promise<QueryAnswer> {
    const name = address.replace('http://', '');
    const { streams } = this.instances.get(name) ?? {};
    if (this.#dead.has(address) || streams === undefined) {
      throw new QueryError({ code: 'OWNER_UNREACHABLE', message: `${address} does not answer.`, owner: address });
    }
    return streams.query(query, true);
  }
}
