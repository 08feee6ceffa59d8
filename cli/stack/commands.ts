/**
 * Commands that start and stop the local stack.
 */
import type { Command } from 'commander';
import type { Action } from '../context.ts';
import type { UpOptions } from './up.ts';

export function addStackCommands(program: Command, action: Action): void {
  program
    .command('up')
    .description(
      'Starts the local stack in the background and waits until it is ready (`npm start` does so in the foreground).',
    )
    .option('--fresh', 'begin without the data of earlier runs')
    .option('--services-only', 'start only the services, not the alert system')
    .action(action(async (context, options: UpOptions) => (await import('./up.ts')).up(context, options)));
  program
    .command('down')
    .description('Stops the local stack of DATA_DIR, wherever it was started; its data stays.')
    .action(action(async (context) => (await import('./down.ts')).down(context)));
}
