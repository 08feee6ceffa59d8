/**
 * How long work stands still after a loss, part by part, and whether anything is lost: the figures of the runbook.
 *
 *     node bench/outages/run.ts [--alerts 100000] [--drivers 5000] [--out bench/results/outages.json]
 *
 * Runs the system's own processes on the services of KAFKA_BROKERS, SCHEMA_REGISTRY_URL and MYSQL_URL, with topics and a database of
 * its own. Every time is from the moment of the loss (a process is started again at once) to the moment that the work goes on
 * as it should. Nothing here asserts a time; it fails when an alert is missing in the end.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Services } from '../../cli/services.ts';
import { AlertProcesses, type AlertProcess } from '../../test/support/alert-processes.ts';
import { runAlerts } from '../../test/support/cli-world.ts';
import { TestDatabase } from '../../test/integration/sink/test-database.ts';
import { machine } from '../support/machine.ts';

const { values } = parseArgs({
  options: {
    alerts: { type: 'string', default: '100000' },
    drivers: { type: 'string', default: '5000' },
    out: { type: 'string' },
  },
});
const [alerts, drivers] = [Number(values.alerts), Number(values.drivers)];
const BATCH = 2_000;
const LIMIT_MS = 180_000;
const prefix = `outages-${randomUUID().slice(0, 8)}-`;
const results: Record<string, number> = {};

const database = await TestDatabase.create();
const system = await AlertProcesses.prepare(prefix, database.url, {
  overspeed: { escalate_if_count: 1000, window_mins: 1, auto_close_after_mins: 100_000 },
});
const services = new Services(system.environment, process.stderr);
let posted = 0;

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (const deadline = Date.now() + LIMIT_MS; !(await holds().catch(() => false)); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${LIMIT_MS / 1000} s.`);
  }
};

/** An alert is taken in and decided. */
const decides = async (): Promise<boolean> => {
  const alertId = `${prefix}posted-${posted}`;
  const body = { alertId, driverId: 'POSTED', sourceType: 'overspeed', severity: 'low', metadata: {} };
  const answer = await fetch(`${system.gatewayUrl}/process-alert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(3_000),
  });
  if (answer.status !== 201) return false;
  posted += 1;
  return true;
};

const stored = async (): Promise<number> =>
  Number((await database.database.query('SELECT COUNT(*) AS alerts FROM alerts'))[0]?.['alerts']);
const allStored = async (): Promise<boolean> => (await stored()) === alerts + posted;

const measure = async (name: string, loss: () => Promise<void>, recovered: () => Promise<boolean>): Promise<void> => {
  const startMs = performance.now();
  await loss();
  await until(name, recovered);
  results[name] = Math.round(performance.now() - startMs);
  console.log(`${name}: ${((results[name] ?? 0) / 1000).toFixed(1)} s`);
  await until('the rest', allStored);
};

const restart = async (name: AlertProcess): Promise<void> => {
  await system.kill(name);
  system.start(name);
};

const fill = async (): Promise<void> => {
  const serde = await services.rawAlertSerde();
  const { topics, producer } = services;
  for (let from = 0; from < alerts; from += BATCH) {
    const records = Array.from({ length: Math.min(BATCH, alerts - from) }, (_, offset) => {
      const index = from + offset;
      const driverId = `D-${index % drivers}`;
      const alert = { alertId: `${prefix}${index}`, driverId, sourceType: 'overspeed', severity: 'low' };
      const value = serde.serialize(topics.rawAlerts, { ...alert, timestamp: Date.now(), metadata: '{"speed":121}' });
      return { topic: topics.rawAlerts, key: Buffer.from(driverId), value: Buffer.from(value ?? []) };
    });
    await producer.send(records);
  }
};

const command = async (...args: string[]): Promise<void> => {
  const { exitCode, stderr } = await runAlerts(system.environment, args);
  if (exitCode !== 0) throw new Error(`alerts ${args.join(' ')} failed: ${stderr}`);
};

try {
  system.start('processor', 'sink', 'gateway');
  await system.ready();
  await measure('all alerts decided and stored', fill, allStored);
  await measure('gateway killed', () => restart('gateway'), decides);
  await measure('processor killed', () => restart('processor'), decides);
  const loseDisk = async (): Promise<void> => {
    await system.kill('processor');
    rmSync(join(String(system.environment['DATA_DIR']), 'state'), { recursive: true, force: true });
    system.start('processor');
  };
  await measure('processor killed and its disk lost', loseDisk, decides);
  const loseSink = async (): Promise<void> => {
    await restart('sink');
    await until('an alert', decides);
  };
  await measure('sink killed', loseSink, allStored);
  const file = join(system.directory, 'backup.sql.gz');
  await measure(
    'backup',
    () => command('backup', file),
    () => Promise.resolve(true),
  );
  await system.stop('sink');
  await measure(
    'restore',
    () => command('restore', file, '--yes'),
    () => Promise.resolve(true),
  );
  for (const table of ['alerts', 'alerts_archive', 'sink_offsets'])
    await database.database.change(`DELETE FROM ${table}`);
  const rebuild = async (): Promise<void> => system.start('sink');
  await measure('database made again from the events', rebuild, allStored);
  console.log(`${alerts + posted} alerts sent, ${await stored()} stored: none lost, none doubled`);
  const report = { alerts, drivers, machine: machine(), milliseconds: results };
  if (values.out !== undefined) {
    mkdirSync(dirname(values.out), { recursive: true });
    writeFileSync(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
  }
} finally {
  await system.close();
  await services.close();
  await database.drop();
}
