/**
 * The sink's rows per second beside a bare loop of multi-row inserts of the same rows into the same tables, both on one database
 * and from this process.
 *
 * Invariant: both write the same rows with the same ids, settings and number of connections, each into a database of its own.
 */
import { openMysql } from '../../connectors/mysql/database.ts';
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { withBreaker } from '../../sink/breaker.ts';
import { migrate } from '../../sink/migrate.ts';
import { planBatch } from '../../sink/plan-batch.ts';
import { ALERT_COLUMNS, alertValues, EVENT_COLUMNS, eventValues } from '../../sink/sql-rows.ts';
import type { SqlValues } from '../../sink/sql-rows.ts';
import { lifecycleTables } from '../../sink/lifecycle-tables.ts';
import { Sink } from '../../sink/sink.ts';
import { silentLogger, silentMetrics } from '../../streams/testing/silent.ts';
import type { Benchmark, BenchmarkContext } from '../suite/benchmark.ts';
import { inOwnDatabase } from '../support/database.ts';
import { median, rounded } from '../support/statistics.ts';
import {
  BATCH_RECORDS,
  consumerOf,
  encode,
  eventOf,
  PARTITIONS,
  readerOf,
  serde,
  type EncodedLog,
} from './encoded-log.ts';

const ROWS_PER_STATEMENT = 500;
/** An alert and its event. */
const ROWS_PER_ALERT = 2;

interface Round {
  readonly bareRowsPerSecond: number;
  readonly sinkRowsPerSecond: number;
  readonly ratio: number;
}

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
    lifecycleTables,
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

const inMigratedDatabase = (serverUrl: string, work: (database: MysqlDatabase) => Promise<number>): Promise<number> =>
  inOwnDatabase(serverUrl, async (url) => {
    await migrate(url, silentLogger);
    const database = openMysql({ url });
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  });

async function rowsPerSecond(alerts: number, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return Math.round((ROWS_PER_ALERT * alerts * 1_000) / (performance.now() - startMs));
}

async function measure({ addresses, say }: BenchmarkContext, alerts: number, log: EncodedLog): Promise<Round> {
  const bareRowsPerSecond = await inMigratedDatabase(addresses.mysql, (database) =>
    rowsPerSecond(alerts, () => runBare(database, alerts, PARTITIONS)),
  );
  const sinkRowsPerSecond = await inMigratedDatabase(addresses.mysql, (database) =>
    rowsPerSecond(alerts, () => runSink(database, log)),
  );
  const ratio = rounded(sinkRowsPerSecond / bareRowsPerSecond);
  say(`sink ${sinkRowsPerSecond} rows/s, bare ${bareRowsPerSecond} rows/s: ${ratio}`);
  return { bareRowsPerSecond, sinkRowsPerSecond, ratio };
}

export const sinkRows: Benchmark = {
  name: 'sink',
  shows: 'rows per second beside a bare loop of multi-row inserts of the same rows',
  run: async (context) => {
    const alerts = context.size === 'tiny' ? 2_000 : 200_000;
    const log = encode(alerts);
    const rounds: Round[] = [];
    for (let round = 0; round < context.rounds; round += 1) rounds.push(await measure(context, alerts, log));
    return { alerts, ratio: median(rounds.map(({ ratio }) => ratio)), rounds };
  },
};
