/**
 * The sink's rows per second beside a bare loop of multi-row inserts of the same rows into the same tables, both on one database
 * and from this process.
 *
 * Usage: MYSQL_URL=mysql://… node bench/sink/run.ts [alerts] [rounds]. It makes databases of its own and drops them.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import type { GroupConsumer, LogReader } from '../../connectors/log.ts';
import { openMysql } from '../../connectors/mysql/database.ts';
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { lifecycleEventSchema } from '../../schemas/avro.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { withBreaker } from '../../sink/breaker.ts';
import { migrate } from '../../sink/migrate.ts';
import { planBatch } from '../../sink/plan-batch.ts';
import { ALERT_COLUMNS, alertValues, EVENT_COLUMNS, eventValues } from '../../sink/sql-rows.ts';
import type { SqlValues } from '../../sink/sql-rows.ts';
import { Sink } from '../../sink/sink.ts';
import { silentLogger, silentMetrics } from '../../streams/testing/silent.ts';

const PARTITIONS = 4;
const BATCH_RECORDS = 2_000;
const ROWS_PER_STATEMENT = 500;
const DRIVERS = 50_000;
const START_MS = Date.UTC(2026, 0, 1);

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Ids in time order, as the processor makes them. */
const alertIdOf = (ms: number, index: number): string => {
  const time = hex(ms, 12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(index % 4096, 3)}-8000-${hex(index, 12)}`;
};

const eventOf = (index: number): LifecycleEvent => {
  const timestamp = START_MS + index * 3;
  const alertId = alertIdOf(timestamp, index);
  return {
    eventId: `${alertId}:1`,
    alertId,
    sequence: 1,
    eventType: 'CREATED',
    reason: 'below_count',
    oldStatus: null,
    newStatus: 'OPEN',
    driverId: `driver-${(index * 7919) % DRIVERS}`,
    sourceType: ['overspeed', 'feedback_negative', 'compliance'][index % 3] as string,
    severity: 'medium',
    timestamp,
    metadata: '{"reason":"below_count","src":"overspeed"}',
    alertTimestamp: timestamp,
    alertMetadata: '{"speed":121}',
  };
};

const serde = avroSerde({ schema: lifecycleEventSchema, schemaId: 1 });

/** Encoded events by partition; the bench measures the sink, not a broker. */
type EncodedLog = readonly (readonly Uint8Array[])[];

const encode = (alerts: number): EncodedLog => {
  const log: Uint8Array[][] = Array.from({ length: PARTITIONS }, () => []);
  for (let index = 0; index < alerts; index += 1) {
    log[index % PARTITIONS]?.push(Uint8Array.from(serde.serialize('alert-events', eventOf(index)) as Uint8Array));
  }
  return log;
};

const topicPartitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'alert-events', partition }));

/** Hands out one batch of each partition per poll; calls back at the end. */
const consumerOf = (log: EncodedLog, onEnd: () => void): GroupConsumer => {
  const positions = log.map(() => 0);
  return {
    rejoin: () => Promise.resolve(topicPartitions),
    poll: (timeoutMs) => {
      const batches = topicPartitions.flatMap(({ topic, partition }) => {
        const from = positions[partition] ?? 0;
        const values = log[partition] ?? [];
        const records = values.slice(from, from + BATCH_RECORDS).map((value, index) => ({
          offset: from + index,
          timestampMs: 0,
          key: null,
          value,
          headers: undefined,
        }));
        positions[partition] = from + records.length;
        const nextOffset = from + records.length;
        return records.length === 0
          ? []
          : [{ topic, partition, records, nextOffset, endOffset: values.length, logAppendTime: false }];
      });
      if (batches.length > 0) return Promise.resolve({ kind: 'records', batches });
      onEnd();
      return systemClock.sleep(Math.min(timeoutMs, 10)).then(() => ({ kind: 'records', batches }));
    },
    wakeup: () => undefined,
    committed: (partitions) => Promise.resolve(partitions.map(() => undefined)),
    seek: ({ partition }, offset) => {
      positions[partition] = offset;
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => Promise.resolve(),
  };
};

const readerOf = (log: EncodedLog): LogReader => ({
  range: ({ partition }) => Promise.resolve({ beginning: 0, end: log[partition]?.length ?? 0 }),
  read: () => Promise.reject(new Error('unused')),
  follow: () => Promise.reject(new Error('unused')),
  close: () => Promise.resolve(),
});

const runSink = async (database: MysqlDatabase, log: EncodedLog): Promise<void> => {
  const ended = Promise.withResolvers<void>();
  const sink = new Sink(
    {
      consumer: consumerOf(log, ended.resolve),
      reader: readerOf(log),
      deadLetters: { send: () => Promise.reject(new Error('a dead letter')), close: () => Promise.resolve() },
      deserializer: serde,
      database: withBreaker(database, silentLogger, silentMetrics),
      clock: systemClock,
      logger: silentLogger,
      metrics: silentMetrics,
    },
    { applicationId: 'bench', deadLetterTopic: 'dead-letters', maxBatchRecords: BATCH_RECORDS },
  );
  const running = sink.run();
  await Promise.race([ended.promise, running]);
  await sink.stop();
};

/** What the database can take at best: the same rows, planned beforehand, without guards, positions or decoding. */
const runBare = async (database: MysqlDatabase, alerts: number, sessions: number): Promise<void> => {
  const { alerts: rows, events } = planBatch(Array.from({ length: alerts }, (_, index) => eventOf(index)));
  const insert = async (session: number): Promise<void> => {
    for (let from = session * BATCH_RECORDS; from < alerts; from += sessions * BATCH_RECORDS) {
      const until = Math.min(alerts, from + BATCH_RECORDS);
      await database.transaction(async (sql) => {
        const all = async (table: string, columns: string, values: readonly SqlValues[]): Promise<void> => {
          for (let row = 0; row < values.length; row += ROWS_PER_STATEMENT) {
            await sql.change(`INSERT INTO ${table} (${columns}) VALUES ?`, [
              values.slice(row, row + ROWS_PER_STATEMENT),
            ]);
          }
        };
        await all('alerts', ALERT_COLUMNS, rows.slice(from, until).map(alertValues));
        await all('alert_events', EVENT_COLUMNS, events.slice(from, until).map(eventValues));
      });
    }
  };
  await Promise.all(Array.from({ length: sessions }, (_, session) => insert(session)));
};

const timed = async (name: string, alerts: number, work: () => Promise<void>): Promise<number> => {
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = Math.round((2 * alerts) / seconds);
  console.log(`${name}: ${perSecond} rows/s, ${seconds.toFixed(1)} s, own CPU ${((user + system) / 1e6).toFixed(1)} s`);
  return perSecond;
};

/** A migrated database of its own for each run, so that no run pays for what another left behind. */
const inFreshDatabase = async <T>(serverUrl: URL, work: (database: MysqlDatabase) => Promise<T>): Promise<T> => {
  const server = openMysql({ url: serverUrl.href, connectionLimit: 1 });
  const name = `alerts_sink_bench_${randomBytes(4).toString('hex')}`;
  await server.change(`CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const database = openMysql({ url: url.href });
  try {
    await migrate(url.href, silentLogger);
    return await work(database);
  } finally {
    await database.close();
    await server.change(`DROP DATABASE ${name}`);
    await server.close();
  }
};

const main = async (): Promise<void> => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const alerts = Number(positionals[0] ?? 100_000);
  const rounds = Number(positionals[1] ?? 2);
  const url = new URL(process.env['MYSQL_URL'] ?? 'mysql://alerts:alerts@127.0.0.1:3306/alerts');
  const log = encode(alerts);
  for (let round = 1; round <= rounds; round += 1) {
    const bare = await inFreshDatabase(url, (database) =>
      timed(`bare inserts, ${PARTITIONS} connections`, alerts, () => runBare(database, alerts, PARTITIONS)),
    );
    await inFreshDatabase(url, async (database) => {
      const sink = await timed(`sink, ${PARTITIONS} partitions`, alerts, () => runSink(database, log));
      console.log(`sink / bare: ${(sink / bare).toFixed(2)}`);
      await database.change('DELETE FROM sink_offsets');
      await timed('sink, the same topic again', alerts, () => runSink(database, log));
    });
  }
};

await main();
