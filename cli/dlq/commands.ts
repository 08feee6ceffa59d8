/**
 * Commands about dead letters.
 */
import { InvalidArgumentError, type Command } from 'commander';
import type { Action } from '../context.ts';
import { wholeNumber } from '../options.ts';
import type { LetterFilter, LetterId } from './dead-letter.ts';

const DROP_HELP = `
The topic is a log: letters leave it from its old end. Dropping one drops every older letter of its partition with it, and what is
dropped is gone. Letters that were sent back stay in the topic until they are dropped or its retention (90 days) ends.`;

const REPLAY_HELP = `
A letter goes back to the topic and partition it came from, with its own key, value and headers and without the error headers.
Correct first what it failed on (see "alerts dlq show"), or it comes back. It stays in the dead letters until it is dropped;
sending an alert without an alertId back twice makes two alerts.`;

const letterId = (text: string): LetterId => {
  const match = /^(?:(\d{1,5}):)?(\d{1,15})$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError('It is an offset, or partition:offset, as "alerts dlq list" shows it.');
  return { partition: Number(match[1] ?? 0), offset: Number(match[2]) };
};

const letterIds = (text: string, before: readonly LetterId[] | undefined): readonly LetterId[] => [
  ...(before ?? []),
  letterId(text),
];

const filtered = (command: Command): Command =>
  command
    .option('--stage <stage>', 'only of this stage: deserialization, processing, production, sink')
    .option('--code <code>', 'only with this error code, such as INVALID_ALERT')
    .option('--topic <topic>', 'only from this topic');

export function addDeadLetterCommands(program: Command, action: Action): void {
  const dlq = program.command('dlq').description('Dead letters: records that could not be processed.');
  filtered(dlq.command('list'))
    .description('Counts the dead letters by reason and lists the newest.')
    .option('--limit <number>', 'as many at most', wholeNumber(1, 10_000), 20)
    .action(
      action(async (context, options: LetterFilter & { limit: number }) =>
        (await import('./list.ts')).listLetters(context, options),
      ),
    );
  dlq
    .command('show')
    .description('Shows one dead letter whole, with its value decoded where that is possible.')
    .argument('<id>', 'as "alerts dlq list" shows it', letterId)
    .action(action(async (context, id: LetterId) => (await import('./show.ts')).showLetter(context, id)));
  filtered(dlq.command('replay'))
    .description('Sends dead letters back to where they came from.')
    .argument('[ids...]', 'as "alerts dlq list" shows them', letterIds)
    .option('--all', 'every one that the filters let through')
    .addHelpText('after', REPLAY_HELP)
    .action(
      action(async (context, ids: readonly LetterId[], options: LetterFilter & { all?: boolean }) =>
        (await import('./replay.ts')).replayLetters(context, ids, options),
      ),
    );
  dlq
    .command('drop')
    .description('Deletes a dead letter and every older one of its partition.')
    .argument('<id>', 'as "alerts dlq list" shows it', letterId)
    .option('--yes', 'do it')
    .addHelpText('after', DROP_HELP)
    .action(
      action(async (context, id: LetterId, options: { yes?: boolean }) =>
        (await import('./drop.ts')).dropLetters(context, id, options),
      ),
    );
}
