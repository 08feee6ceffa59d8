/**
 * Commands about single alerts: sending them and looking at what became of them.
 */
import { Option, type Command } from 'commander';
import { ALERT_STATUSES } from '../../schemas/vocabulary.ts';
import type { Action } from '../context.ts';
import { wholeNumber } from '../options.ts';
import type { ProduceOptions } from './produce.ts';
import type { QueryOptions } from './query.ts';

const PRODUCE_HELP = `
Each line is one alert: {"driverId": "D-1", "sourceType": "overspeed", "severity": "low", "timestamp": "2025-11-24T09:30:00Z",
"metadata": {"speed": 120}, "alertId": "optional"}. A CSV file has these names in its first row, metadata as JSON text.
timestamp is ISO 8601, YYYY-MM-DD HH:mm:ss in UTC, or epoch milliseconds; left out, it is the time of sending.
Lines that cannot be used are reported and left out. An alert with an alertId may be sent again without harm.`;

export function addAlertCommands(program: Command, action: Action): void {
  program
    .command('produce')
    .description('Sends alerts from a file, or from standard input, to the raw alerts topic.')
    .argument('[file]', 'JSON lines, or CSV when it ends in .csv; - is standard input', '-')
    .addOption(new Option('--format <format>', 'what the file holds').choices(['json', 'csv']))
    .addHelpText('after', PRODUCE_HELP)
    .action(
      action(async (context, file: string, options: ProduceOptions) =>
        (await import('./produce.ts')).produce(context, file, options),
      ),
    );
  program
    .command('events')
    .description('The whole story of one alert, also of one that was purged to the archive.')
    .argument('<alert-id>')
    .action(action(async (context, alertId: string) => (await import('./events.ts')).events(context, alertId)));
  program
    .command('query')
    .description('The alerts of a driver, newest first.')
    .argument('<driver-id>')
    .addOption(new Option('--status <status>', 'only these').choices(ALERT_STATUSES))
    .option('--source-type <name>', 'only these')
    .option('--limit <number>', 'as many at most', wholeNumber(1, 1000), 50)
    .action(
      action(async (context, driverId: string, options: QueryOptions) =>
        (await import('./query.ts')).query(context, driverId, options),
      ),
    );
}
