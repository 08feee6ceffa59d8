/**
 * Asks another instance over HTTP.
 *
 * Invariant: a question ends in bounded time and with an answer of bounded size; whatever goes wrong on the way is a `QueryError`
 * that may be tried elsewhere.
 */
import type { ClientQuery, RemoteQuery } from '../../streams/client/query-router.ts';
import { QueryError, type QueryFailure } from '../../streams/queries/query-error.ts';
import type { QueryAnswer } from '../../streams/queries/query.ts';
import { answerOfJson, queryToJson, type JsonAnswer } from './query-json.ts';

export interface RemoteQueryOptions {
  /** A key with the role `read`; undefined where none is asked for. */
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
}

/** Says that the query was passed on, so that it is not passed on again. */
export const PASSED_ON_HEADER = 'x-streams-passed-on';

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Asks the instance itself and nobody behind it. */
export const remoteQuery =
  (options: RemoteQueryOptions): RemoteQuery =>
  (server, query) =>
    askInstance(server, query, options, { [PASSED_ON_HEADER]: 'true' });

/** Asks any instance; it finds the one that can answer. */
export const queryThrough =
  (server: string, options: RemoteQueryOptions) =>
  (query: ClientQuery): Promise<QueryAnswer> =>
    askInstance(server, query, options, {});

async function askInstance(
  server: string,
  query: ClientQuery,
  { apiKey, timeoutMs }: RemoteQueryOptions,
  headers: Readonly<Record<string, string>>,
): Promise<QueryAnswer> {
  const unreachable = (what: string, cause?: unknown): QueryError =>
    new QueryError(
      { code: 'OWNER_UNREACHABLE', message: `The instance at ${server} ${what}.`, owner: server },
      { cause },
    );
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${server}/stores/${encodeURIComponent(query.store)}/query`, {
      method: 'POST',
      redirect: 'error',
      headers: {
        'content-type': 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...headers,
      },
      body: JSON.stringify(queryToJson(query)),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (Number(response.headers.get('content-length') ?? 0) > MAX_ANSWER_BYTES) {
      await response.body?.cancel();
      throw unreachable('answers with more than is taken');
    }
    text = await response.text();
  } catch (error) {
    if (error instanceof QueryError) throw error;
    throw unreachable('does not answer', error);
  }
  const body = parsed(text);
  if (response.ok && body !== undefined) return answerOfJson(body as unknown as JsonAnswer);
  if (typeof body?.['code'] !== 'string' || response.status === 401 || response.status === 403) {
    throw unreachable(`answers with status ${response.status}`);
  }
  throw new QueryError(body as unknown as QueryFailure);
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
