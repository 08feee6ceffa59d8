/**
 * JSON whose numbers keep the text they were written with, so that 1.0, 12345678901234567890 and 1e2 leave as they came.
 *
 * Invariant: what passes `parseExactJson` is accepted by every database and parser behind the gateway: bounded nesting, strings
 * that are well-formed Unicode, and numbers that a double can hold without overflow.
 */

/** Deepest nesting of objects and arrays in a body. Metadata is one level down, and the processor takes 30 levels of it. */
export const MAX_JSON_DEPTH = 31;

/** The text is not JSON, or is JSON that is not accepted. The message says which. */
export class JsonTextError extends Error {}

interface SourceTextContext {
  readonly source?: string;
}

/** `JSON.parse` with source text access and `JSON.rawJSON`, which the compiler's library does not describe. */
const sourceTextJson = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: SourceTextContext) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** Depth of nesting, read from the text before it is parsed, so that a deep one cannot exhaust the stack. */
const nestingDepth = (text: string): number => {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (inString) {
      if (char === '\\') index += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') deepest = Math.max(deepest, (depth += 1));
    else if (char === '}' || char === ']') depth -= 1;
  }
  return deepest;
};

const keepExact = (key: string, value: unknown, { source }: SourceTextContext): unknown => {
  if (!key.isWellFormed()) throw new JsonTextError('a property name is not well-formed Unicode');
  if (typeof value === 'string' && !value.isWellFormed())
    throw new JsonTextError('a string is not well-formed Unicode');
  if (typeof value !== 'number' || source === undefined) return value;
  if (!Number.isFinite(value)) throw new JsonTextError('a number is too large');
  return sourceTextJson.rawJSON(source);
};

/**
 * Parses JSON; each number becomes a raw JSON value that `JSON.stringify` writes exactly as it was read.
 * Throws `JsonTextError`.
 */
export const parseExactJson = (text: string): unknown => {
  if (nestingDepth(text) > MAX_JSON_DEPTH) throw new JsonTextError(`nested deeper than ${MAX_JSON_DEPTH} levels`);
  try {
    return sourceTextJson.parse(text, keepExact);
  } catch (error) {
    if (error instanceof JsonTextError) throw error;
    throw new JsonTextError('is not valid JSON', { cause: error });
  }
};
