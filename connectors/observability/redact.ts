/**
 * What may stand in a log line: plain values of bounded size, without secrets.
 *
 * Invariant: a value under a name that means a secret, and credentials within a text, never reach the log; nothing that is
 * logged can grow without bound, whatever is passed in.
 */
import type { LogFields } from '../../streams/ports.ts';

const REDACTED = '[redacted]';
const SECRET_NAME =
  /pass(word|wd|phrase)|^(pass|pwd)$|secret|token|authorization|credential|cookie|api[-_]?key|private[-_]?key/i;
/** Credentials in an address, after an authentication scheme, or assigned to a name that means a secret. */
const SECRET_TEXT: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+@/gi, `$1${REDACTED}@`],
  [/\b(bearer|basic) +[\w.~+/-]{8,}=*/gi, `$1 ${REDACTED}`],
  [/\b((?:password|passwd|secret|token|api[-_]?key)["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi, `$1${REDACTED}`],
];

const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_TEXT = 8192;
/** Objects in one line: depth and breadth alone would still let a web of references grow beyond measure. */
const MAX_OBJECTS = 100;

export const redactText = (text: string): string => {
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
  return SECRET_TEXT.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), bounded);
};

/** An error as it stands in a line; `context` is what else it carries: code, details, the chain of causes. */
interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly context?: unknown;
}

/** Fields of errors that go into the log. Not every one: a database's error carries its statement, with somebody's values. */
const CONTEXT_FIELDS: ReadonlySet<string> = new Set(['code', 'details', 'context']);

/** Makes the copy for one line and counts the objects in it. */
class Redactor {
  #objectsLeft = MAX_OBJECTS;

  value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return redactText(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    return typeof value === 'object' && value !== null ? this.#object(value, depth) : value;
  }

  entries(entries: readonly (readonly [name: string, value: unknown])[], depth: number): Record<string, unknown> {
    return Object.fromEntries(
      entries.slice(0, MAX_ITEMS).map(([name, value]) => {
        const isSecret = SECRET_NAME.test(name) && value !== null && value !== undefined;
        return [name, isSecret ? REDACTED : this.value(value, depth - 1)];
      }),
    );
  }

  error(error: Error, depth: number): LoggedError {
    const carried = [
      ...Object.entries(error).filter(([name, value]) => CONTEXT_FIELDS.has(name) && value !== undefined),
      ...(error.cause === undefined ? [] : [['cause', error.cause] as const]),
      ...(error instanceof AggregateError ? [['errors', error.errors] as const] : []),
    ];
    return {
      type: error.name,
      message: redactText(String(error.message)),
      ...(error.stack !== undefined && { stack: redactText(String(error.stack)) }),
      ...(depth > 0 && carried.length > 0 && { context: this.entries(carried, depth) }),
    };
  }

  #object(value: object, depth: number): unknown {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (value instanceof URL) return redactText(value.href);
    if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
    if (depth <= 0 || this.#objectsLeft-- <= 0) return '<too large>';
    if (value instanceof Error) return this.error(value, depth);
    if (value instanceof Map)
      return this.entries(
        [...value].map(([key, inner]) => [keyText(key), inner]),
        depth,
      );
    if (Array.isArray(value) || value instanceof Set) {
      return [...(value as Iterable<unknown>)].slice(0, MAX_ITEMS).map((item) => this.value(item, depth - 1));
    }
    return this.entries(Object.entries(value), depth);
  }
}

const keyText = (key: unknown): string =>
  typeof key === 'string' ? key : typeof key === 'number' ? `${key}` : `<${typeof key}>`;

/** A copy of the fields, fit to be logged. */
export const redactFields = (fields: LogFields): Record<string, unknown> =>
  new Redactor().entries(Object.entries(fields), MAX_DEPTH);
