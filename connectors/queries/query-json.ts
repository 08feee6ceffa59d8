/**
 * Queries and answers as JSON.
 *
 * Invariant: what JSON cannot express is written in one way: bytes as `{"base64": …}`, big integers as text. Keys of queries are
 * text (UTF-8) or bytes, whatever the store makes of them.
 */
import type { ClientQuery } from '../../streams/client/query-router.ts';
import type { QueryAnswer, QueryBounds, QueryEntry, QuerySource } from '../../streams/queries/query.ts';
import { DEFAULT_LIMIT, MAX_LIMIT, MAX_WAIT_MS, type Query } from '../../streams/queries/query.ts';

export type JsonKey = string | { readonly base64: string };

type JsonOf<T> = { readonly [Name in keyof T]: T[Name] extends Uint8Array | undefined ? JsonKey : T[Name] };

export interface JsonQuery {
  readonly query: JsonOf<Query>;
  readonly partition?: number;
  readonly partitionKey?: JsonKey;
  readonly limit?: number;
  /** The `next` of the answer before. */
  readonly after?: string;
  readonly bounds?: QueryBounds;
}

export interface JsonAnswer {
  readonly entries: readonly QueryEntry[];
  readonly next: string | null;
  readonly taskId: string;
  readonly source: QuerySource;
  readonly lagRecords: number;
  readonly stalenessMs: number | null;
  readonly position: Readonly<Record<string, number>>;
}

const toBytes = (key: JsonKey): Uint8Array =>
  typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.base64, 'base64');

const toJsonKey = (bytes: Uint8Array): JsonKey => ({ base64: Buffer.from(bytes).toString('base64') });

const KEY_FIELDS = ['key', 'from', 'to', 'prefix'];

const mapKeys = (fields: object, map: (value: never) => unknown): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      KEY_FIELDS.includes(name) && value !== undefined ? map(value as never) : (value as unknown),
    ]),
  );

export const queryOfJson = (store: string, { query, partitionKey, after, ...rest }: JsonQuery): ClientQuery => ({
  ...rest,
  store,
  query: mapKeys(query, toBytes) as Query,
  ...(partitionKey !== undefined && { partitionKey: toBytes(partitionKey) }),
  ...(after !== undefined && { after: Buffer.from(after, 'base64url') }),
});

export const queryToJson = ({ store: _, query, partitionKey, after, ...rest }: ClientQuery): JsonQuery => ({
  ...rest,
  query: mapKeys(query, toJsonKey) as JsonQuery['query'],
  ...(partitionKey !== undefined && { partitionKey: toJsonKey(partitionKey) }),
  ...(after !== undefined && { after: Buffer.from(after).toString('base64url') }),
});

const plain = (_name: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? toJsonKey(value) : value;
};

/** `JSON.stringify` gives a Buffer a form of its own before any replacer sees it. */
const withoutBuffers = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return toJsonKey(value);
  if (Array.isArray(value)) return value.map(withoutBuffers);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutBuffers(item)]));
};

export const answerToJson = ({ next, stalenessMs, entries, ...answer }: QueryAnswer): string =>
  JSON.stringify(
    {
      ...answer,
      entries: withoutBuffers(entries),
      next: next === undefined ? null : Buffer.from(next).toString('base64url'),
      stalenessMs: stalenessMs ?? null,
    },
    plain,
  );

export const answerOfJson = ({ next, stalenessMs, ...answer }: JsonAnswer): QueryAnswer => ({
  ...answer,
  next: next === null ? undefined : Buffer.from(next, 'base64url'),
  stalenessMs: stalenessMs ?? undefined,
});

const MAX_KEY_LENGTH = 4096;
const keySchema = {
  anyOf: [
    { type: 'string', maxLength: MAX_KEY_LENGTH },
    {
      type: 'object',
      additionalProperties: false,
      required: ['base64'],
      properties: { base64: { type: 'string', maxLength: 2 * MAX_KEY_LENGTH, pattern: '^[A-Za-z0-9+/]*={0,2}$' } },
    },
  ],
};
const count = { type: 'integer', minimum: 0 };
/** Which fields a kind of query must have. */
const kind = (name: Query['kind'], ...required: readonly string[]) => ({
  properties: { kind: { const: name } },
  required: ['kind', ...required],
});

/** Of a `JsonQuery`. */
export const jsonQuerySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['query'],
  properties: {
    query: {
      type: 'object',
      additionalProperties: false,
      properties: {
        kind: { type: 'string' },
        ...{ key: keySchema, from: keySchema, to: keySchema, prefix: keySchema },
        reverse: { type: 'boolean' },
        ...{ fromMs: { type: 'number' }, toMs: { type: 'number' }, asOfMs: count },
        group: { type: 'string', maxLength: MAX_KEY_LENGTH },
      },
      anyOf: [
        kind('key', 'key'),
        kind('range'),
        kind('prefix', 'prefix'),
        kind('window', 'key', 'fromMs', 'toMs'),
        kind('windows', 'fromMs', 'toMs'),
        kind('version', 'key'),
        kind('count', 'group'),
      ],
    },
    partition: count,
    partitionKey: keySchema,
    limit: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
    after: { type: 'string', maxLength: 4 * MAX_KEY_LENGTH, pattern: '^[A-Za-z0-9_-]*$' },
    bounds: {
      type: 'object',
      additionalProperties: false,
      properties: {
        stale: { type: 'boolean' },
        maxLagRecords: count,
        maxStalenessMs: count,
        minPositions: { type: 'object', maxProperties: 64, additionalProperties: count },
        waitMs: { type: 'integer', minimum: 0, maximum: MAX_WAIT_MS },
      },
    },
  },
} as const;
