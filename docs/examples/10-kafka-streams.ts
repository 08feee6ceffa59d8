/**
 * A whole application: a client with one stream thread, its state listener, a query, a pause. It runs on the log in memory, and
 * on Kafka where `KAFKA_BROKERS` says where that is; an application with state to keep takes `RocksDbBackendFactory`.
 */
import { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import { systemClock as clock } from '../../connectors/system-clock.ts';
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import {
  InMemoryLog,
  KafkaStreams,
  localThreads,
  silentLogger as logger,
  silentMetrics as metrics,
  StreamsBuilder,
  streamsConfig,
  stringSerde,
  type LogClient,
} from '../../streams/index.ts';

const applicationId = `rides-example-${process.pid}`;
const topic = `rides-${process.pid}`;
const brokers = process.env['KAFKA_BROKERS']?.split(',');
const client: LogClient = brokers
  ? new KafkaLogClient({ brokers, clientId: applicationId, logger })
  : new InMemoryLog({ clock }).client(applicationId);
await client.admin().createTopics([{ name: topic, partitions: 2, config: {} }]);

const builder = new StreamsBuilder({ stores: storeSuppliers });
builder.stream(topic, { key: stringSerde, value: stringSerde }).groupByKey().count({ as: 'rides-per-van' });
const topology = builder.build().build(applicationId);

const processId = 'instance-1';
const thread = async (index: number) => ({
  name: `${processId}-${index}`,
  config: streamsConfig({ applicationId, processId }),
  stateFactory: new MemoryBackendFactory(),
  globalBackend: await new MemoryBackendFactory().open('global'),
  ...{ topology, client, clock, metrics, logger },
});
const streams = new KafkaStreams({ applicationId, processId, threads: 1, host: localThreads(thread), clock, logger });
streams.setStateListener((state, former) => console.log(`${former} to ${state}`));
streams.setUncaughtExceptionHandler(() => 'replace-thread');
streams.start();
while (streams.state !== 'RUNNING') await clock.sleep(10);

const van = Buffer.from('van-1');
const send = (rides: readonly string[]) =>
  client.plainProducer().send(rides.map((ride) => ({ topic, key: van, value: Buffer.from(ride), timestampMs: 0 })));
const counted = async (): Promise<unknown> => {
  const { entries } = await streams.query({ store: 'rides-per-van', query: { kind: 'key', key: van } });
  return (entries[0]?.value as { value: number } | undefined)?.value;
};
await send(['school', 'depot']);
while ((await counted()) !== 2) await clock.sleep(10);
console.log('two rides are counted');
streams.pause();
await send(['school']);
await clock.sleep(50);
console.log(`${String(await counted())} while it is paused`);
streams.resume();
while ((await counted()) !== 3) await clock.sleep(10);
console.log('three rides are counted');
await streams.close();
await client.close();
// → CREATED to REBALANCING
// → REBALANCING to RUNNING
// → two rides are counted
// → 2 while it is paused
// → three rides are counted
// → RUNNING to PENDING_SHUTDOWN
// → PENDING_SHUTDOWN to NOT_RUNNING
