/**
 * `alerts down`: stops the local stack in order.
 */
import { readSettings } from '../../infra/local-stack/settings.ts';
import type { CommandContext } from '../context.ts';
import { stopStack } from './running-stack.ts';

export async function down(context: CommandContext): Promise<void> {
  const { dataDir } = readSettings(context.environment, process.cwd());
  const stopped = await stopStack(dataDir, context.reporter);
  context.show({ dataDir, stopped }, () =>
    stopped ? 'Stopped; the data stays for the next start.' : `No stack runs on ${dataDir}.`,
  );
}
