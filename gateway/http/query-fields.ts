/**
 * Fields of a query, which is text whatever its schema asks for.
 *
 * Invariant: what cannot be read stays as it is, or is told with its field; nothing is guessed.
 */
import type { TimestampParser } from '../alerts/timestamp.ts';
import type { ApiError, FieldProblem } from './api-error.ts';

/** Makes `limit` the integer that the schema asks for. */
export const numericLimit = (query: unknown): void => {
  const fields = query as { limit?: unknown };
  if (typeof fields.limit === 'string' && /^\d{1,9}$/.test(fields.limit)) fields.limit = Number(fields.limit);
};

/** A time in epoch milliseconds. Throws what `invalid` makes of a time that cannot be read. */
export const timeOf = (
  field: string,
  text: string | undefined,
  parse: TimestampParser,
  invalid: (problems: readonly FieldProblem[]) => ApiError,
): number | undefined => {
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (!parsed.ok) throw invalid([{ field, message: parsed.problem }]);
  return parsed.epochMs;
};
