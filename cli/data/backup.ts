/**
 * `alerts backup`: the database as one file.
 *
 * Invariant: the file shows one moment (a single transaction), so that rows and the sink's positions in it belong together.
 */
import { resolve } from 'node:path';
import type { CommandContext } from '../context.ts';
import { interruption } from '../exit-codes.ts';
import { duration, megabytes } from '../text.ts';
import { findTool, withConnection } from './database-tools.ts';
import { dumpTo } from './dump-file.ts';

const DUMP_OPTIONS = [
  ...['--single-transaction', '--quick', '--skip-lock-tables', '--no-tablespaces', '--hex-blob'],
  ...['--default-character-set=utf8mb4', '--max-allowed-packet=64M'],
];

export async function backup(context: CommandContext, given?: string): Promise<void> {
  const startedMs = performance.now();
  const { mysqlUrl } = await context.services();
  const file = resolve(given ?? `alerts-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.sql.gz`);
  const tool = findTool('dump', context.environment);
  const signal = context.interrupts();
  const bytes = await withConnection(mysqlUrl, tool, async (connect, database) => {
    const args = [...connect, ...DUMP_OPTIONS, database];
    const onProgress = (done: number): void => context.reporter.progress(`${megabytes(done)} of SQL written`);
    try {
      return await dumpTo(file, { command: tool.path, args, signal, onProgress });
    } catch (error) {
      if (signal.aborted) throw interruption('The backup was interrupted; nothing was kept.');
      throw error;
    }
  });
  const tookMs = performance.now() - startedMs;
  context.show({ file, sqlBytes: bytes, durationMs: Math.round(tookMs) }, () => {
    return `${file}: ${megabytes(bytes)} of SQL in ${duration(tookMs)}`;
  });
}
