/**
 * Commands about what the system stores, and the benchmarks.
 */
import { Argument, type Command } from 'commander';
import { APPLICATION_NAMES, type ApplicationName } from '../../connectors/config/processes.ts';
import type { Action } from '../context.ts';

const RESET_HELP = `
The application then reads its inputs from their beginning (alerts: the raw alerts) and makes every event again, with the same ids: the
sink stores none of them twice. What retention has removed from the log is not made again. Without --yes the command only says what it would delete.
Refused while a processor runs. The local state of other machines heals by itself at their next start.`;

const RESTORE_HELP = `
Stop the sink first. Its position is part of the backup, so it goes on from there and stores again what came after. A database
that holds alerts is replaced only with --yes.`;

export function addDataCommands(program: Command, action: Action): void {
  program
    .command('reset')
    .description(
      'Resets an application of the processor: committed offsets, internal topics and local state are deleted.',
    )
    .addArgument(new Argument('[application]', 'which one').choices(APPLICATION_NAMES).default('alerts'))
    .option('--yes', 'do it')
    .addHelpText('after', RESET_HELP)
    .action(
      action(async (context, application: ApplicationName, options: { yes?: boolean }) =>
        (await import('./reset.ts')).reset(context, application, options),
      ),
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
