/**
 * Stored metadata as a value that `JSON.stringify` writes as the database holds it.
 *
 * Invariant: a number that a double would change (12345678901234567890, 1.0) keeps its text, as a raw JSON value; all others are
 * plain numbers.
 */

interface SourceTextContext {
  readonly source?: string;
}

/** `JSON.parse` with source text access and `JSON.rawJSON`, which the compiler's library does not describe. */
const sourceTextJson = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: SourceTextContext) => unknown): unknown;
  rawJSON(text: string): unknown;
};

const keepExact = (_key: string, value: unknown, { source }: SourceTextContext): unknown =>
  typeof value !== 'number' || source === undefined || String(value) === source
    ? value
    : sourceTextJson.rawJSON(source);

/** The text is a JSON object: the column takes nothing that is not JSON, and events carry objects only. */
export const parseMetadata = (text: string): Readonly<Record<string, unknown>> =>
  sourceTextJson.parse(text, keepExact) as Readonly<Record<string, unknown>>;
