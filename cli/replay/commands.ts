/**
 * The replay command.
 */
import { Option, type Command } from 'commander';
import type { Action } from '../context.ts';
import { pointInTime } from '../options.ts';
import type { ReplayOptions } from './replay-command.ts';

const HELP = `
Runs the raw alerts through the processor's own topology again, beside the live job and without touching it: no group, no topic and
no position of it changes, and nothing is notified. With the rules in force the same events come out with the same ids, so
tables that were emptied end as they were, and tables that hold the events already do not change.

--from and --to select events by their own time, --to excluded. Reading begins earlier than --from, by the longest window and the
longest life of an alert, because events depend on what came before; and it goes on to the end of the log, because an alert may come
late. Without --from the replay begins at the log's beginning, without --to it ends now.

Rules: those on the rules topic at this moment count for the whole stretch. Where a rule was changed within it, the live job has decided
otherwise before the change; a database that the live sink feeds is then not written to without --force. To give a database
everything that the live job has ever decided, let its sink read alert-events again instead (see docs/runbook.md).

What people did is not decided again: an alert that somebody acknowledged, resolved or commented on keeps the events that it has. A
comparison of rules leaves all that out.

--dry-run writes nothing. With --rules it tells which alerts would have escalated or closed differently under those rules; --to may
then lie in the future, which closes open alerts ahead of time. --rules without --dry-run fills an empty database of its own (--into).

An alert whose producer repeats the id of one that happened before reading began counts as an alert of its own.`;

export function addReplayCommand(program: Command, action: Action): void {
  program
    .command('replay')
    .description('Replays a stretch of time into a database, or tells what other rules would have changed.')
    .addOption(
      new Option('--from <time>', 'first event time: ISO 8601, YYYY-MM-DD[ HH:mm:ss] in UTC').argParser(pointInTime),
    )
    .addOption(new Option('--to <time>', 'event time to end before; "now" by default').argParser(pointInTime))
    .option('--rules <file>', 'a rules file to use instead of the rules in force')
    .option('--dry-run', 'write nothing; with --rules: compare with the rules in force')
    .option('--report <file>', 'write every alert that would differ to this file, as JSON lines')
    .option('--into <database>', 'a database name on the server of MYSQL_URL, or an address; default: MYSQL_URL itself')
    .option('--force', 'write although rules were changed within the stretch')
    .addHelpText('after', HELP)
    .action(
      action(async (context, options: ReplayOptions) =>
        (await import('./replay-command.ts')).replayCommand(context, options),
      ),
    );
}
