/**
 * Puts logs on their topic at a fixed rate, as a collector beside the services would.
 *
 * Invariant: the rate is that of the clock: what is behind is made up for at once, and what cannot be is told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionForKey } from '../../connectors/log.ts';
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { logEventSchema } from '../../schemas/avro.ts';
import type { Lag, LogSystem } from './log-system.ts';
import { isError, randomLogs } from './random-logs.ts';
import { sampleLag } from './through-the-gateway.ts';

const SERVICES = 100;
const PARTITIONS = 4;
/** Logs in one transaction. */
const BATCH = 5_000;
/** Logs are made beforehand, so that making them takes nothing from the system. */
const DIFFERENT_LOGS = 100_000;

export async function onTheTopic(system: LogSystem, logsPerSecond: number, seconds: number) {
  const { logEvents: topic } = system.topics;
  const serde = await system.registry.serdeFor(subjectOf(topic), logEventSchema);
  const source = randomLogs(2, SERVICES);
  const logs = Array.from({ length: DIFFERENT_LOGS }, () => {
    const log = { ...source.next().value, timestamp: 0, meta: '{}' };
    const key = Buffer.from(log.service);
    return { log, key, partition: partitionForKey(key, PARTITIONS), isError: isError(log) };
  });
  const producer = system.kafka.producer(`${system.prefix}load`);
  await producer.init();
  const lags: Lag[] = [];
  const sampling = new AbortController();
  const sampled = sampleLag(system, lags, sampling.signal);
  const total = logsPerSecond * seconds;
  let errors = 0;
  const startMs = performance.now();
  for (let sent = 0; sent < total; sent += BATCH) {
    const aheadMs = startMs + (sent / logsPerSecond) * 1000 - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    const timestamp = Date.now();
    for (let index = sent; index < sent + BATCH; index += 1) {
      const made = logs[index % DIFFERENT_LOGS] as (typeof logs)[number];
      if (made.isError) errors += 1;
      const value = serde.serialize(topic, { ...made.log, timestamp });
      producer.append(topic, made.partition, made.key, value, timestamp);
    }
    await producer.commit('', []);
  }
  const offeredSeconds = (performance.now() - startMs) / 1000;
  sampling.abort();
  await sampled;
  await producer.close();
  return { sent: total, accepted: total, errors, offeredSeconds, lags };
}
