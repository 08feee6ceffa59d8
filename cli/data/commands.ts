/**
 * Commands about what the system stores, and the benchmarks.
 */
import type { Command } from 'commander';
import type { Action } from '../context.ts';

const RESET_HELP = `
The processor then reads the raw alerts from their beginning and makes every event again, with the same ids: the sink stores none of
them twice. What retention has removed from the log is not made again. Without --yes the command only says what it would delete.
Refused while a processor runs. The local state of other machines heals by itself at their next start.`;

const RESTORE_HELP = `
Stop the sink first. Its position is part of the backup, so it goes on from there and stores again what came after. A database
that holds alerts is replaced only with --yes.`;

export function addDataCommands(program: Command, action: Action): void {
  program
    .command('reset')
    .description('Resets the processor: committed offsets, changelogs and local state are deleted.')
    .option('--yes', 'do it')
    .addHelpText('after', RESET_HELP)
    .action(
      action(async (context, options: { yes?: boolean }) => (await import('./reset.ts')).reset(context, options)),
    );
  program
    .command('backup')
    .description('Writes the database to a compressed SQL file, as of one moment, while everything runs.')
    .argument('[file]', 'default: alerts-<time>.sql.gz')
    .action(action(async (context, file?: string) => (await import('./backup.ts')).backup(context, file)));
  program
    .command('restore')
    .description('Puts the database back to a backup.')
    .argument('<file>')
    .option('--yes', 'replace what is in the database')
    .addHelpText('after', RESTORE_HELP)
    .action(
      action(async (context, file: string, options: { yes?: boolean }) =>
        (await import('./restore.ts')).restore(context, file, options),
      ),
    );
  program
    .command('bench')
    .description('Runs the benchmarks (`npm run bench`); arguments after -- go to them.')
    .argument('[arguments...]')
    .action(action(async (context, args: readonly string[]) => (await import('./bench.ts')).bench(context, args)));
}
