/**
 * `alerts restore`: the database as a backup has it.
 *
 * Invariant: nothing is touched before the file was read to its end and found whole. A restore that is cut short is completed by
 * running it again.
 */
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import { migrate } from '../../sink/migrate.ts';
import { recoveryOf } from '../../streams/errors.ts';
import type { CommandContext } from '../context.ts';
import { interruption, refusal } from '../exit-codes.ts';
import type { Services } from '../services.ts';
import { duration, megabytes } from '../text.ts';
import { findTool, withConnection } from './database-tools.ts';
import { checkDump, loadFrom } from './dump-file.ts';

export async function restore(context: CommandContext, file: string, { yes }: { yes?: boolean }): Promise<void> {
  const startedMs = performance.now();
  const { reporter } = context;
  const services = await context.services();
  const signal = context.interrupts();
  await checkDump(file, (bytes) => reporter.progress(`${megabytes(bytes)} of SQL checked`));
  const tool = findTool('load', context.environment);
  await requireNoSink(services, (line) => reporter.line(line));
  if (!yes && (await holdsAlerts(services.database))) {
    throw refusal(
      'The database holds alerts, and all of them are replaced. Make a backup of it first, then add --yes.',
    );
  }
  await withConnection(services.mysqlUrl, tool, async (connect, database) => {
    const args = [...connect, '--default-character-set=utf8mb4', '--max-allowed-packet=64M', database];
    const onProgress = (bytes: number): void => reporter.progress(`${megabytes(bytes)} of SQL loaded`);
    try {
      await loadFrom(file, { command: tool.path, args, signal, onProgress });
    } catch (error) {
      if (signal.aborted)
        throw interruption('The restore was interrupted half-way: run it again before anything uses the database.');
      throw error;
    }
  });
  const migrations = await migrate(services.mysqlUrl, services.logger);
  const tookMs = performance.now() - startedMs;
  context.show({ file, migrations, durationMs: Math.round(tookMs) }, () => {
    const migrated = migrations.length === 0 ? '' : `, and migrated: ${migrations.join(', ')}`;
    return `Restored from ${file} in ${duration(tookMs)}${migrated}. The sink goes on from the backup's position.`;
  });
}

/** A database can be restored while Kafka is away; then nobody can tell whether a sink runs. */
async function requireNoSink({ admin, sinkGroupId }: Services, say: (line: string) => void): Promise<void> {
  try {
    const { members } = await admin.describeGroup(sinkGroupId);
    if (members.length > 0)
      throw refusal('A sink runs. Stop it first; one that was killed leaves its group after 10 s.');
  } catch (error) {
    if (recoveryOf(error) !== 'retry') throw error;
    say('Kafka does not answer, so whether a sink runs is not known.');
  }
}

async function holdsAlerts(database: MysqlDatabase): Promise<boolean> {
  const tables = await database.query(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN ('alerts', 'alerts_archive')",
  );
  for (const { name } of tables) {
    const rows = await database.query(`SELECT 1 FROM ${name === 'alerts' ? 'alerts' : 'alerts_archive'} LIMIT 1`);
    if (rows.length > 0) return true;
  }
  return false;
}
