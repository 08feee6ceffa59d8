/**
 * Commands about the rules in force.
 */
import type { Command } from 'commander';
import type { Action } from '../context.ts';

const SET_HELP = `
The rule is a JSON object as in the rules file, such as '{"escalate_if_count": 3, "window_mins": 2, "auto_close_after_mins": 4}'.
The settings of all rules go by the name retention. A rule that was set stays when the system starts again with another rules
file; "alerts rules remove" gives its source type back to the file. To see beforehand what a rule would change:
alerts replay --dry-run --rules FILE --from TIME --to now`;

export function addRuleCommands(program: Command, action: Action): void {
  const rules = program.command('rules').description('The rules in force.');
  rules
    .command('get')
    .description('Shows the rules on the rules topic and where they come from.')
    .argument('[source-type]', 'only this one; "retention" for the settings of all')
    .action(action(async (context, name?: string) => (await import('./get.ts')).getRules(context, name)));
  rules
    .command('set')
    .description('Puts a rule into force at once, without a restart.')
    .argument('[source-type]')
    .argument('[rule]', 'a JSON object')
    .option('--file <file>', 'set every rule of this rules file instead')
    .addHelpText('after', SET_HELP)
    .action(
      action(async (context, name: string | undefined, rule: string | undefined, options: { file?: string }) =>
        (await import('./set.ts')).setRules(context, name, rule, options),
      ),
    );
  rules
    .command('remove')
    .description('Takes a rule out of force. At the next start the rules file may set its own.')
    .argument('<source-type>')
    .action(action(async (context, name: string) => (await import('./set.ts')).removeRule(context, name)));
  rules
    .command('validate')
    .description('Checks a rules file; exit code 1 when it cannot be used.')
    .argument('<file>')
    .action(action(async (context, file: string) => (await import('./validate.ts')).validateRules(context, file)));
}
