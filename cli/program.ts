/**
 * The `alerts` command line: every command with its arguments, options and help.
 *
 * Invariant: this and the `commands.ts` files only declare; what a command does is loaded when it runs.
 */
import type { Command } from 'commander';
import { addAlertCommands } from './alerts/commands.ts';
import type { Action } from './context.ts';
import { addDataCommands } from './data/commands.ts';
import { addDeadLetterCommands } from './dlq/commands.ts';
import { addReplayCommand } from './replay/commands.ts';
import { addRuleCommands } from './rules/commands.ts';
import { addStackCommands } from './stack/commands.ts';
import { addSystemCommands } from './system/commands.ts';

const AFTER_HELP = `
Exit codes:
  0    done, or the answer is yes
  1    failed, or the answer is no (not healthy, not found)
  2    the command line, a file or a setting cannot be used
  3    a service is away; try again
  4    refused, nothing was done; the message says what it takes
  130  ended by Ctrl-C

Environment:
  KAFKA_BROKERS, SCHEMA_REGISTRY_URL, MYSQL_URL   the services; default: the local stack on KAFKA_PORT, REGISTRY_PORT, MYSQL_PORT
  TOPIC_PREFIX, DATA_DIR, RULES_FILE              as the processes have them`;

export function addCommands(program: Command, action: Action): void {
  program
    .description('Operates the alert system.')
    .option('--json', 'print the result as JSON')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(add --help for what it takes)');
  addStackCommands(program, action);
  addSystemCommands(program, action);
  addAlertCommands(program, action);
  addRuleCommands(program, action);
  addDeadLetterCommands(program, action);
  addReplayCommand(program, action);
  addDataCommands(program, action);
}
