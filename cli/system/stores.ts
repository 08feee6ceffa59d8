/**
 * `alerts stores`: the stores of the running applications, where they are and how far they are behind their changelogs.
 *
 * Invariant: it shows what the processors say of themselves; one that does not answer is a failure, not an empty line.
 */
import { readingKey } from '../../connectors/http/api-keys.ts';
import { STREAMS_PATH } from '../../connectors/queries/addresses.ts';
import { readGatewayConfig } from '../../gateway/config.ts';
import type { InstanceMetadata } from '../../streams/queries/streams-metadata.ts';
import type { StoreLag } from '../../streams/queries/thread-queries.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT_CODES, failure } from '../exit-codes.ts';
import { count, table } from '../text.ts';

export interface StoreRow {
  readonly application: string;
  readonly store: string;
  readonly task: string;
  readonly role: string;
  readonly instance: string;
  readonly position: number;
  readonly end: number;
  readonly lag: number;
}

const TIMEOUT_MS = 5_000;

export async function stores(context: CommandContext): Promise<void> {
  const { processorUrl, processorApiKeys } = readGatewayConfig(context.environment);
  const ask = asking(readingKey(processorApiKeys));
  const { applications } = await ask<{ applications: { name: string }[] }>(`${processorUrl}${STREAMS_PATH}`);
  const found = await Promise.all(applications.map(({ name }) => rowsOf(name, processorUrl, ask)));
  const rows = found.flat();
  context.show(rows, () =>
    table(
      ['application', 'store', 'task', 'role', 'instance', 'position', 'end', 'lag'],
      rows.map(({ application, store, task, role, instance, position, end, lag }) => [
        ...[application, store, task, role, instance, String(position), String(end), count(lag)],
      ]),
      ['position', 'end', 'lag'],
    ),
  );
}

type Ask = <T>(url: string) => Promise<T>;

/** Of every instance of the application, by task. */
async function rowsOf(application: string, processorUrl: string, ask: Ask): Promise<StoreRow[]> {
  const { instances } = await ask<{ instances: InstanceMetadata[] }>(
    `${processorUrl}${STREAMS_PATH}/${application}/instances`,
  );
  const servers = instances.map(({ applicationServer }) => applicationServer).filter((server) => server !== '');
  const rows = await Promise.all(
    servers.map(async (server) => {
      const { lags } = await ask<{ lags: StoreLag[] }>(`${server}/lags`);
      return lags.map(({ store, taskId, source, position, end, lag }) => ({
        ...{ application, store, task: taskId, role: source, instance: new URL(server).host, position, end, lag },
      }));
    }),
  );
  return rows.flat().sort((a, b) => a.task.localeCompare(b.task) || a.store.localeCompare(b.store));
}

const asking =
  (apiKey: string | undefined): Ask =>
  async <T>(url: string): Promise<T> => {
    const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    let answer: Response;
    try {
      answer = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (cause) {
      const message = `The processor does not answer at ${url}; start it, or set PROCESSOR_URL.`;
      throw new CommandError(EXIT_CODES.unavailable, message, { cause });
    }
    if (answer.ok) return (await answer.json()) as T;
    throw failure(`The processor answers with status ${answer.status} at ${url}; is PROCESSOR_API_KEYS as it has it?`);
  };
