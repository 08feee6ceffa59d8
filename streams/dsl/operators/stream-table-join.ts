/**
 * Joining the records of a stream with a table's current values.
 *
 * Invariant: a record of the stream makes one result at most, when it comes; updates of the table make none. With a grace
 * period records wait for it, and are joined in the order of time with the value that was valid at their own time.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { HeaderList, Record } from '../../record.ts';
import type { Serde } from '../../serde.ts';
import type { StoreSuppliers, TimedDueStore } from '../../state-store-timed.ts';
import type { StoreBuilder } from '../../state-store.ts';
import type { ValueJoiner } from '../options.ts';
import { bytesOf, int64At, int64Bytes, packed, unpacked } from '../serdes.ts';
import { packedContext, unpackedContext } from './buffered.ts';
import { DroppedRecords } from './dropped.ts';
import { withValue } from './stateless.ts';
import type { TableReader, TableView } from './table-operator.ts';

export interface StreamTableJoin<K, V, KT, VT, VR> {
  readonly node: string;
  readonly view: TableView<KT, VT>;
  readonly tableKey: (key: K, value: V) => KT | null;
  readonly joiner: ValueJoiner<V, VT | null, VR, K>;
  /** Records without a value in the table go on alone. */
  readonly left: boolean;
  /** Of the records that wait, if they do. */
  readonly bufferName: string | undefined;
}

export class StreamTableJoinProcessor<K, V, KT, VT, VR> implements Processor<K, V | null, K, VR> {
  readonly #join: StreamTableJoin<K, V, KT, VT, VR>;
  #context!: ProcessorContext<K, VR>;
  #table!: TableReader<KT, VT>;
  #dropped!: DroppedRecords;
  #buffer: JoinBuffer<K, V> | undefined;

  constructor(join: StreamTableJoin<K, V, KT, VT, VR>) {
    this.#join = join;
  }

  init(context: ProcessorContext<K, VR>): void {
    const { node, view, bufferName } = this.#join;
    this.#context = context;
    this.#table = view.open(context);
    this.#dropped = new DroppedRecords(context, node);
    if (bufferName !== undefined) this.#buffer = context.getStateStore<JoinBuffer<K, V>>(bufferName);
  }

  process(record: Record<K, V | null>): void {
    const { key, value, timestampMs } = record;
    if (value === null) {
      this.#dropped.add('null-value');
      return;
    }
    const complete = record as Record<K, V>;
    const tableKey = this.#join.tableKey(key, value);
    if (tableKey === null && !this.#join.left) {
      this.#dropped.add('null-key');
      return;
    }
    if (this.#buffer === undefined || key === null) {
      this.#send(complete, tableKey);
      return;
    }
    this.#buffer.observe(timestampMs);
    enqueue(this.#buffer, complete);
    for (const waited of dequeue(this.#buffer)) this.#send(waited, this.#join.tableKey(waited.key, waited.value));
  }

  #send(record: Record<K, V>, tableKey: KT | null): void {
    const row = tableKey === null ? undefined : this.#table.getAsOf(tableKey, record.timestampMs);
    if (row === undefined && !this.#join.left) return;
    const result = this.#join.joiner(record.value, row?.value ?? null, record.key);
    this.#context.forward(withValue(record, result));
  }
}

/** Records of one key and time wait together. */
export interface Place<K> {
  readonly timestampMs: number;
  readonly key: K;
}

interface Queued<V> {
  readonly timestampMs: number;
  readonly records: readonly { readonly value: V; readonly headers: HeaderList | undefined }[];
}

type JoinBuffer<K, V> = TimedDueStore<Place<K>, Queued<V>>;

function enqueue<K, V>(buffer: JoinBuffer<K, V>, { key, value, timestampMs, headers }: Record<K, V>): void {
  const former = buffer.get({ timestampMs, key })?.records ?? [];
  buffer.put({ timestampMs, key }, { timestampMs, records: [...former, { value, headers }] });
}

/** Takes out what has waited long enough, in the order of time and then key. */
function* dequeue<K, V>(buffer: JoinBuffer<K, V>): Generator<Record<K, V>, undefined> {
  for (;;) {
    const next = buffer.peekDue(buffer.observedTimeMs);
    if (next === undefined) return;
    buffer.delete(next.key);
    const { key, timestampMs } = next.key;
    for (const { value, headers } of next.value.records) yield { key, value, timestampMs, headers };
  }
}

export const joinBufferBuilder = <K, V>(
  suppliers: StoreSuppliers,
  name: string,
  { key, value, graceMs }: { readonly key: Serde<K>; readonly value: Serde<V>; readonly graceMs: number },
): StoreBuilder =>
  suppliers.timedDueStore<Place<K>, Queued<V>>({
    name,
    key: placeSerde(key),
    value: queuedSerde(value),
    dueAtMs: ({ timestampMs }) => timestampMs + graceMs,
  });

const placeSerde = <K>(serde: Serde<K>): Serde<Place<K>> => ({
  serialize: (topic, { timestampMs, key }) => Buffer.concat([int64Bytes(timestampMs), bytesOf(serde, topic, key)]),
  deserialize: (topic, data) => {
    const bytes = data as Uint8Array;
    return { timestampMs: int64At(bytes, 0), key: serde.deserialize(topic, bytes.subarray(8)) };
  },
});

const queuedSerde = <V>(serde: Serde<V>): Serde<Queued<V>> => ({
  serialize: (topic, { timestampMs, records }) =>
    packed([
      int64Bytes(timestampMs),
      ...records.flatMap(({ value, headers }) => [bytesOf(serde, topic, value), packedContext(timestampMs, headers)]),
    ]),
  deserialize: (topic, data) => {
    const [time, ...parts] = unpacked(data as Uint8Array) as Uint8Array[];
    const records = [];
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const { headers } = unpackedContext(parts[at + 1] as Uint8Array);
      records.push({ value: serde.deserialize(topic, parts[at] as Uint8Array), headers });
    }
    return { timestampMs: int64At(time as Uint8Array, 0), records };
  },
});
