/**
 * The node that holds updates back, and the buffer it keeps them in: a store ordered by when they may go.
 *
 * Invariants:
 * - A key waits from the time of its first update; later ones take its place without making it wait longer.
 * - Those downstream see the table as if the updates that wait had not happened.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import { ProcessingError, TaskFailedError } from '../../errors.ts';
import type { HeaderList, Record } from '../../record.ts';
import type { Serde } from '../../serde.ts';
import type { StoreSuppliers, TimedDueStore } from '../../state-store-timed.ts';
import type { StoreBuilder } from '../../state-store.ts';
import type { Change } from '../change.ts';
import { bytesOf, int64At, int64Bytes, nullable, packed, unpacked } from '../serdes.ts';
import type { BufferConfig } from '../suppressed.ts';
import { packedContext, unpackedContext } from './buffered.ts';
import type { TableOperator, TableView } from './table-operator.ts';

export interface Suppression<K> {
  readonly node: string;
  readonly storeName: string;
  readonly timeOf: (key: K, timestampMs: number) => number;
  readonly waitMs: number;
  readonly buffer: BufferConfig;
  readonly dropsTombstones: boolean;
}

interface Waiting<V> {
  readonly sinceMs: number;
  /** With what those downstream know for its former value. */
  readonly change: Change<V>;
  readonly timestampMs: number;
  readonly headers: HeaderList | undefined;
}

type UpdateBuffer<K, V> = TimedDueStore<K, Waiting<V>>;

const WHENEVER = Number.MAX_SAFE_INTEGER;

export class SuppressedTable<K, V> implements TableOperator<K, V> {
  readonly #parent: TableOperator<K, V>;
  readonly #suppression: Suppression<K>;

  constructor(parent: TableOperator<K, V>, suppression: Suppression<K>) {
    this.#parent = parent;
    this.#suppression = suppression;
    // What those downstream know, while a first update waits, is the value that it would take the place of.
    parent.sendOldValues(true);
  }

  sendOldValues(): boolean {
    return true;
  }

  view(): TableView<K, V> {
    const { storeName } = this.#suppression;
    const parentView = this.#parent.view();
    return {
      stores: [storeName, ...parentView.stores],
      open: (context) => {
        const parent = parentView.open(context);
        const buffer = context.getStateStore<UpdateBuffer<K, V>>(storeName);
        const get = (key: K) => {
          const waiting = buffer.get(key);
          if (waiting === undefined) return parent.get(key);
          // Its time is not known: the buffer was only told the value.
          const known = waiting.change.oldValue;
          return known === null ? undefined : { value: known, timestampMs: -1 };
        };
        return { get, getAsOf: get };
      },
    };
  }

  processor(): Processor<K, Change<V>, K, Change<V>> {
    return new SuppressProcessor(this.#suppression);
  }

  storeBuilder(
    suppliers: StoreSuppliers,
    { key, value, logging }: { readonly key: Serde<K>; readonly value: Serde<V>; readonly logging: boolean },
  ): StoreBuilder {
    const { storeName: name, waitMs } = this.#suppression;
    return suppliers.timedDueStore<K, Waiting<V>>({
      name,
      key,
      value: waitingSerde(value),
      logging,
      dueAtMs: ({ sinceMs }) => sinceMs + waitMs,
    });
  }
}

class SuppressProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  readonly #suppression: Suppression<K>;
  #context!: ProcessorContext<K, Change<V>>;
  #buffer!: UpdateBuffer<K, V>;

  constructor(suppression: Suppression<K>) {
    this.#suppression = suppression;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context;
    this.#buffer = context.getStateStore(this.#suppression.storeName);
  }

  process({ key, value: change, timestampMs, headers }: Record<K, Change<V>>): void {
    this.#buffer.observe(timestampMs);
    const former = this.#buffer.get(key);
    const sinceMs = former?.sinceMs ?? this.#suppression.timeOf(key, timestampMs);
    // A former value that waited here too was never known downstream.
    const oldValue = former === undefined ? change.oldValue : former.change.oldValue;
    this.#buffer.put(key, { sinceMs, change: { ...change, oldValue }, timestampMs, headers });
    while (this.#letGo(this.#buffer.observedTimeMs));
    this.#keepWithinBounds();
  }

  #keepWithinBounds(): void {
    const { buffer, node } = this.#suppression;
    if (buffer.maxRecords === Infinity) return;
    while (this.#buffer.entries > buffer.maxRecords) {
      if (buffer.whenFull === 'shut-down') {
        const message = `The buffer of "${node}" is full at ${buffer.maxRecords} records; give it more room, or let it emit early.`;
        throw new TaskFailedError('SUPPRESS_BUFFER_FULL', message);
      }
      this.#letGo(WHENEVER);
    }
  }

  /** Sends on the first update that may go by then, if there is one. */
  #letGo(untilMs: number): boolean {
    const next = this.#buffer.peekDue(untilMs);
    if (next === undefined) return false;
    const { key, value } = next;
    this.#buffer.delete(key);
    if (value.change.newValue !== null || !this.#suppression.dropsTombstones) {
      const { change, timestampMs, headers } = value;
      this.#context.forward({ key, value: change, timestampMs, headers });
    }
    return true;
  }
}

const waitingSerde = <V>(serde: Serde<V>): Serde<Waiting<V>> => {
  const value = nullable(serde);
  const bytes = (topic: string, data: V | null): Uint8Array | null =>
    data === null ? null : bytesOf(serde, topic, data);
  return {
    serialize: (topic, { sinceMs, change, timestampMs, headers }) =>
      packed([
        int64Bytes(sinceMs),
        bytes(topic, change.newValue),
        bytes(topic, change.oldValue),
        Uint8Array.of(change.isLatest ? 1 : 0),
        packedContext(timestampMs, headers),
      ]),
    deserialize: (topic, data) => {
      const [since, newValue, oldValue, isLatest, context] = unpacked(data as Uint8Array);
      if (since === undefined || since === null || context === undefined || context === null) {
        throw new ProcessingError('SUPPRESS_BUFFER', `An entry of "${topic}" cannot be read; rebuild the state.`);
      }
      return {
        sinceMs: int64At(since, 0),
        change: {
          newValue: value.deserialize(topic, newValue ?? null),
          oldValue: value.deserialize(topic, oldValue ?? null),
          isLatest: isLatest?.[0] === 1,
        },
        ...unpackedContext(context),
      };
    },
  };
};
