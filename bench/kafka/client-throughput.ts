/**
 * How fast the Kafka client moves records: the transactional produce path in transactions of a hundred milliseconds' worth, and
 * reading them back. Figures depend on what else the machine does; they are for comparing changes.
 *
 * Usage: KAFKA_BROKERS=host:port node bench/kafka/client-throughput.ts [seconds] [bytes per record] [producers]
 */
import { performance } from 'node:perf_hooks';
import { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import type { TransactionalProducer } from '../../streams/ports.ts';
import { silentLogger } from '../../streams/testing/silent.ts';

const PARTITIONS = 4;
const TRANSACTION_MS = 100;
const CHECK_TIME_EVERY = 64;

const brokers = (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',');
const seconds = Number(process.argv[2] ?? 5);
const recordBytes = Number(process.argv[3] ?? 250);
const producerCount = Number(process.argv[4] ?? 1);

const client = new KafkaLogClient({ brokers, clientId: 'bench', logger: silentLogger });
const admin = client.admin();
const topic = `bench-client-${Date.now()}`;
await admin.createTopics([{ name: topic, partitions: PARTITIONS, config: {} }]);

const key = Buffer.from('driver-000000');
const value = Buffer.alloc(recordBytes - key.length, 'a');
const commitMs: number[] = [];

/** One transaction: append for as long as a transaction may gather, then commit. Resolves with the records it had. */
const transact = async (producer: TransactionalProducer, spread: readonly number[], turn: number): Promise<number> => {
  const appendUntil = performance.now() + TRANSACTION_MS / producerCount;
  let records = 0;
  while (records % CHECK_TIME_EVERY !== 0 || performance.now() < appendUntil) {
    producer.append(topic, spread[records % spread.length] as number, key, value, Date.now());
    records++;
    if (records >= 20_000 / producerCount) break;
  }
  const started = performance.now();
  await producer.commit('bench-group', [{ topic, partition: spread[0] as number, offset: turn }]);
  commitMs.push(performance.now() - started);
  return records;
};

const produce = async (index: number, until: number): Promise<number> => {
  const producer = client.producer(`${topic}-${index}`);
  await producer.init();
  const spread = Array.from({ length: PARTITIONS }, (_, partition) => partition).filter(
    (partition) => producerCount === 1 || partition % producerCount === index,
  );
  let total = 0;
  for (let turn = 0; performance.now() < until; turn++) total += await transact(producer, spread, turn);
  return total;
};

const percentile = (sorted: readonly number[], share: number): string =>
  (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);

const cpuBefore = process.cpuUsage();
const produceStart = performance.now();
const totals = await Promise.all(
  Array.from({ length: producerCount }, (_, index) => produce(index, produceStart + seconds * 1_000)),
);
const produceSeconds = (performance.now() - produceStart) / 1_000;
const cpu = process.cpuUsage(cpuBefore);
const total = totals.reduce((sum, count) => sum + count, 0);
const sorted = commitMs.toSorted((a, b) => a - b);
console.log(
  `produced ${total} records of ${recordBytes} bytes in ${sorted.length} transactions: ` +
    `${Math.round(total / produceSeconds)} records/s, ` +
    `${((cpu.user + cpu.system) / total).toFixed(2)} µs CPU per record, ` +
    `commit p50 ${percentile(sorted, 0.5)} ms, p99 ${percentile(sorted, 0.99)} ms`,
);

const reader = client.reader();
const ranges = await Promise.all([0, 1, 2, 3].map((partition) => reader.range({ topic, partition })));
const cpuBeforeRead = process.cpuUsage();
const readStart = performance.now();
let read = 0;
for (let partition = 0; partition < PARTITIONS; partition++) {
  await reader.read({ topic, partition }, 0, ranges[partition]?.end ?? 0, (batch) => {
    read += batch.records.length;
  });
}
const readSeconds = (performance.now() - readStart) / 1_000;
const readCpu = process.cpuUsage(cpuBeforeRead);
console.log(
  `read ${read} records: ${Math.round(read / readSeconds)} records/s, ` +
    `${((readCpu.user + readCpu.system) / read).toFixed(2)} µs CPU per record`,
);

const consumer = client.consumer({
  groupId: topic,
  clientId: 'bench',
  topics: [topic],
  assignor: {
    name: 'all',
    assign: (members) =>
      new Map(members.map(({ memberId }) => [memberId, [0, 1, 2, 3].map((partition) => ({ topic, partition }))])),
  },
  sessionTimeoutMs: 10_000,
});
for (const partition of await consumer.rejoin(new Uint8Array())) consumer.seek(partition, 0);
const cpuBeforePoll = process.cpuUsage();
const pollStart = performance.now();
let polled = 0;
while (polled < read) {
  const answer = await consumer.poll(1_000);
  if (answer.kind === 'records') for (const { records } of answer.batches) polled += records.length;
}
const pollSeconds = (performance.now() - pollStart) / 1_000;
const pollCpu = process.cpuUsage(cpuBeforePoll);
console.log(
  `polled ${polled} records in a group: ${Math.round(polled / pollSeconds)} records/s, ` +
    `${((pollCpu.user + pollCpu.system) / polled).toFixed(2)} µs CPU per record`,
);

await admin.deleteTopics([topic]);
await client.close();
