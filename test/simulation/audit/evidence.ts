/**
 * What the auditor goes by: the committed records of a run and the content of its stores, read without any help of the engine.
 */
import type { Input } from '../workload.ts';

export interface EvidenceRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[] | undefined;
}

export interface Evidence {
  readonly applicationId: string;
  readonly partitions: number;
  /** The highest number among the ids of the backlog. */
  readonly lastBacklogId: number;
  /** When everything was over, on the true clock. UTC epoch milliseconds. */
  readonly endMs: number;
  readonly maxSkewMs: number;
  /** Committed records, in order. */
  readonly records: (topic: string, partition: number) => readonly EvidenceRecord[];
  /** What a store of that partition holds: by key, both as Latin-1 text of their bytes. */
  readonly content: (store: string, partition: number) => ReadonlyMap<string, string>;
}

/** Something the application may not do. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export const text = (bytes: Uint8Array | null): string => (bytes === null ? '' : Buffer.from(bytes).toString('utf8'));

const parsedRecords = new WeakMap<EvidenceRecord, unknown>();

/** The record's value; read once, since several checks ask for it. */
export function parsed<T>(record: EvidenceRecord): T {
  const known = parsedRecords.get(record);
  if (known !== undefined) return known as T;
  const value = JSON.parse(text(record.value)) as T;
  parsedRecords.set(record, value);
  return value;
}

/** An input record with what becomes of it. */
export interface InputRecord {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly raw: EvidenceRecord;
  readonly key: string;
  /** Undefined when it cannot be read. */
  readonly input: Input | undefined;
  /** At which stage the ledger fails on it; undefined: it does not. */
  readonly fails: 'deserialization' | 'processing' | 'production' | undefined;
}

export function inputsOf({ records }: Evidence, topic: string, partition: number): InputRecord[] {
  return records(topic, partition).map((raw) => {
    const body = text(raw.value);
    const place = { topic, partition, raw, key: text(raw.key) };
    if (!body.startsWith('{'))
      return { ...place, id: body.split(' ')[0] ?? '', input: undefined, fails: 'deserialization' };
    const input = JSON.parse(body) as Input;
    const fails = input.kind === 'throw' ? 'processing' : input.kind === 'oversize' ? 'production' : undefined;
    return { ...place, id: input.id, input, fails };
  });
}

/** Throws when they differ; both as JSON. */
export function requireSame(what: string, actual: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Violation(`${what} is ${is} and should be ${should}`);
}

/** A store's content with its values read, in the order of keys. */
export function requireContent(
  what: string,
  actual: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, unknown>,
  read: (value: string) => unknown,
): void {
  const sorted = (entries: Iterable<readonly [string, unknown]>): unknown[] =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const values = [...actual].map(([key, value]) => [key, read(value)] as const);
  requireSame(what, sorted(values), sorted(expected));
}
