/**
 * `alerts status`: whether every service and process does its work, asked of each of them.
 *
 * Invariant: every question is bounded in time and asked at the same time as the others, so one that hangs delays the answer by a
 * few seconds and hides nothing.
 */
import { readGatewayConfig } from '../../gateway/config.ts';
import type { CommandContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Services } from '../services.ts';
import { table } from '../text.ts';

export interface StatusRow {
  readonly name: string;
  readonly status: 'UP' | 'DOWN';
  /** What is wrong; empty when nothing is. */
  readonly problem: string;
  readonly durationMs: number;
}

const TIMEOUT_MS = 5_000;

export async function status(context: CommandContext): Promise<ExitCode> {
  const services = await context.services();
  const { port: gatewayPort, processorUrl, sinkUrl } = readGatewayConfig(context.environment);
  const rows = await Promise.all([
    ask('kafka', () => kafkaProblem(services)),
    ask('registry', async () => nothing(await services.registry.ping())),
    ask('mysql', async () => nothing(await services.database.query('SELECT 1 FROM alerts LIMIT 1'))),
    ask('processor', () => readinessProblem(processorUrl)),
    ask('sink', () => readinessProblem(sinkUrl)),
    ask('gateway', () => readinessProblem(`http://127.0.0.1:${gatewayPort}`)),
  ]);
  const well = rows.every((row) => row.status === 'UP');
  context.show({ status: well ? 'UP' : 'DOWN', checks: rows }, () =>
    table(
      ['name', 'status', 'ms', 'problem'],
      rows.map(({ name, status: state, durationMs, problem }) => [name, state, String(durationMs), problem]),
      ['ms'],
    ),
  );
  return well ? EXIT_CODES.ok : EXIT_CODES.failed;
}

const nothing = (_answer: unknown): string => '';

/** Never rejects. `question` resolves with what is wrong, or with nothing. */
export async function ask(name: string, question: () => Promise<string>): Promise<StatusRow> {
  const startedMs = performance.now();
  let problem: string;
  try {
    problem = await within(question());
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  const durationMs = Math.round(performance.now() - startedMs);
  return { name, status: problem === '' ? 'UP' : 'DOWN', problem: problem.split('\n')[0] ?? '', durationMs };
}

async function within(answer: Promise<string>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`no answer within ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function kafkaProblem({ admin, topics }: Services): Promise<string> {
  const names = Object.values(topics) as readonly string[];
  const counts = await admin.partitionCounts(names);
  const missing = names.filter((name) => !counts.has(name));
  return missing.length === 0 ? '' : `topics are missing: ${missing.join(', ')}; run the set-up (node bin/setup.ts)`;
}

/** A check as the processes report it. */
interface ReportedCheck {
  readonly status?: string;
  readonly error?: string;
}

async function readinessProblem(url: string): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    return `does not answer at ${url}`;
  }
  const body = await answer.text();
  return answer.ok ? '' : (failedChecks(body) ?? `answers with status ${answer.status}`);
}

/** The checks that failed, from a readiness report; undefined when the text is none. */
export function failedChecks(text: string): string | undefined {
  let report: { checks?: Readonly<Record<string, ReportedCheck>> };
  try {
    report = JSON.parse(text) as typeof report;
  } catch {
    return undefined;
  }
  const failed = Object.entries(report.checks ?? {}).filter(([, check]) => !/^(up|ok)$/i.test(check.status ?? ''));
  if (failed.length === 0) return undefined;
  return failed.map(([name, { error }]) => (error === undefined ? `${name} fails` : `${name}: ${error}`)).join('; ');
}
