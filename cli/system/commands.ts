/**
 * Commands that look at the running system.
 */
import { Argument, type Command } from 'commander';
import { APPLICATION_NAMES, type ApplicationName } from '../../connectors/config/processes.ts';
import type { Action } from '../context.ts';

export function addSystemCommands(program: Command, action: Action): void {
  program
    .command('status')
    .description('Health of every service and process; exit code 1 when anything is not well.')
    .action(action(async (context) => (await import('./status.ts')).status(context)));
  program
    .command('lag')
    .description('How far processor and sink are behind, per partition.')
    .action(action(async (context) => (await import('./lag.ts')).lag(context)));
  program
    .command('describe')
    .description('The topology of an application of the processor.')
    .addArgument(new Argument('[application]', 'which one').choices(APPLICATION_NAMES).default('alerts'))
    .option('--mermaid', 'as a Mermaid flowchart')
    .action(
      action(async (context, application: ApplicationName, options: { mermaid?: boolean }) =>
        (await import('./describe.ts')).describe(context, application, options),
      ),
    );
  program
    .command('stores')
    .description('The stores of the running applications: where they are, and how far behind their changelogs.')
    .action(action(async (context) => (await import('./stores.ts')).stores(context)));
  program
    .command('topics')
    .description('The topics of the system, with partitions, offsets and settings.')
    .action(action(async (context) => (await import('./topics.ts')).topics(context)));
}
