/**
 * Operators that look at one record at a time.
 *
 * Invariant: what they send on has the timestamp and headers of the record it came from.
 */
import type { Processor, ProcessorContext, ProcessorSupplier } from '../../processor.ts';
import type { Record } from '../../record.ts';

export type Forward<K, V> = (record: Record<K, V>, childName?: string) => void;

/** Called for each record with what sends its results on. */
export type Step<KIn, VIn, KOut, VOut> = (record: Record<KIn, VIn>, forward: Forward<KOut, VOut>) => void;

export const stateless =
  <KIn, VIn, KOut, VOut>(step: Step<KIn, VIn, KOut, VOut>): ProcessorSupplier<KIn, VIn, KOut, VOut> =>
  (): Processor<KIn, VIn, KOut, VOut> => {
    let forward: Forward<KOut, VOut>;
    return {
      init: (context: ProcessorContext<KOut, VOut>) => {
        forward = (record, childName) => context.forward(record, childName);
      },
      process: (record) => step(record, forward),
    };
  };

export const withValue = <K, V>({ key, timestampMs, headers }: Record<K, unknown>, value: V): Record<K, V> => ({
  key,
  value,
  timestampMs,
  headers,
});

export const withPair = <K, V>(
  { timestampMs, headers }: Record<unknown, unknown>,
  [key, value]: readonly [K, V],
): Record<K, V> => ({ key, value, timestampMs, headers });

export const filtering =
  <K, V>(predicate: (key: K, value: V) => boolean): Step<K, V, K, V> =>
  (record, forward) => {
    if (predicate(record.key, record.value)) forward(record);
  };

export const mapping =
  <K, V, KR, VR>(mapper: (key: K, value: V) => readonly [KR, VR]): Step<K, V, KR, VR> =>
  (record, forward) =>
    forward(withPair(record, mapper(record.key, record.value)));

export const mappingValues =
  <K, V, VR>(mapper: (value: V, key: K) => VR): Step<K, V, K, VR> =>
  (record, forward) =>
    forward(withValue(record, mapper(record.value, record.key)));

export const flatMapping =
  <K, V, KR, VR>(mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>): Step<K, V, KR, VR> =>
  (record, forward) => {
    for (const pair of mapper(record.key, record.value)) forward(withPair(record, pair));
  };

export const flatMappingValues =
  <K, V, VR>(mapper: (value: V, key: K) => Iterable<VR>): Step<K, V, K, VR> =>
  (record, forward) => {
    for (const value of mapper(record.value, record.key)) forward(withValue(record, value));
  };

export const peeking =
  <K, V>(action: (key: K, value: V) => void): Step<K, V, K, V> =>
  (record, forward) => {
    action(record.key, record.value);
    forward(record);
  };

export const passing: Step<unknown, unknown, unknown, unknown> = (record, forward) => forward(record);

export interface Branch<K, V> {
  readonly predicate: (key: K, value: V) => boolean;
  /** The node that the records of the branch go to. */
  readonly child: string;
}

/** To the first branch that takes it. */
export const branching =
  <K, V>(branches: readonly Branch<K, V>[]): Step<K, V, K, V> =>
  (record, forward) => {
    const taker = branches.find(({ predicate }) => predicate(record.key, record.value));
    if (taker !== undefined) forward(record, taker.child);
  };
