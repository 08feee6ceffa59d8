/**
 * Joining two tables by their common key: each side's updates meet the other side's current value.
 *
 * Invariant: the result of a key is always that of the two current values; its time is the later of theirs.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { ValueAndTimestamp } from '../../state-store-timed.ts';
import type { Change } from '../change.ts';
import { DroppedRecords } from './dropped.ts';
import { withValue } from './stateless.ts';
import { laterMs, type Sending, type TableOperator, type TableReader, type TableView } from './table-operator.ts';
import { openTableStore, storeView, type TableStore } from './table-store.ts';

export interface TableJoin<V, VO, VR> {
  readonly joiner: (value: V | null, other: VO | null) => VR | null;
  /** Whether a row of the one table alone makes a result. */
  readonly leftAlone: boolean;
  readonly rightAlone: boolean;
}

export class JoinedTable<K, V, VO, VR> implements TableOperator<K, VR> {
  readonly #left: TableOperator<K, V>;
  readonly #right: TableOperator<K, VO>;
  readonly #join: TableJoin<V, VO, VR>;
  readonly #storeName: string | undefined;
  readonly #leftView: TableView<K, V>;
  readonly #rightView: TableView<K, VO>;
  #oldValues = false;

  constructor(
    left: TableOperator<K, V>,
    right: TableOperator<K, VO>,
    join: TableJoin<V, VO, VR>,
    storeName: string | undefined,
  ) {
    this.#left = left;
    this.#right = right;
    this.#join = join;
    this.#storeName = storeName;
    // Without its former value, nobody could tell whether a row that ends had a result.
    if (join.leftAlone) left.sendOldValues(true);
    if (join.rightAlone) right.sendOldValues(true);
    // Asked for here and not while running, since a table may take a store for it.
    this.#leftView = left.view();
    this.#rightView = right.view();
  }

  sendOldValues(): boolean {
    this.#left.sendOldValues(true);
    this.#right.sendOldValues(true);
    this.#oldValues = true;
    return true;
  }

  view(): TableView<K, VR> {
    if (this.#storeName !== undefined) return storeView(this.#storeName);
    const [left, right] = [this.#leftView, this.#rightView];
    return {
      stores: [...new Set([...left.stores, ...right.stores])],
      open: (context) => {
        const [ours, theirs] = [left.open(context), right.open(context)];
        const get = (key: K) => joinedRow(this.#join, ours.get(key), theirs.get(key));
        return { get, getAsOf: get };
      },
    };
  }

  /** The stores that the processor of each side reads: those of the other side. */
  get storesRead(): { readonly left: readonly string[]; readonly right: readonly string[] } {
    return { left: this.#rightView.stores, right: this.#leftView.stores };
  }

  /** For the updates of the left table; `skipsPast`: it is versioned. */
  leftProcessor(node: string, skipsPast: boolean): Processor<K, Change<V>, K, Change<VR>> {
    const { joiner, leftAlone, rightAlone } = this.#join;
    return new TableJoinSide<K, V, VO, VR>({
      node,
      other: this.#rightView,
      joiner,
      needsOther: !leftAlone,
      otherAlone: rightAlone,
      skipsPast,
      oldValues: this.#oldValues,
    });
  }

  rightProcessor(node: string, skipsPast: boolean): Processor<K, Change<VO>, K, Change<VR>> {
    const { joiner, leftAlone, rightAlone } = this.#join;
    return new TableJoinSide<K, VO, V, VR>({
      node,
      other: this.#leftView,
      joiner: (other, value) => joiner(value, other),
      needsOther: !rightAlone,
      otherAlone: leftAlone,
      skipsPast,
      oldValues: this.#oldValues,
    });
  }

  mergeProcessor(): Processor<K, Change<VR>, K, Change<VR>> {
    return new TableJoinMerge(this.#storeName, { oldValues: this.#oldValues });
  }
}

function joinedRow<V, VO, VR>(
  { joiner, leftAlone, rightAlone }: TableJoin<V, VO, VR>,
  left: ValueAndTimestamp<V> | undefined,
  right: ValueAndTimestamp<VO> | undefined,
): ValueAndTimestamp<VR> | undefined {
  const exists = left === undefined ? right !== undefined && rightAlone : right !== undefined || leftAlone;
  const value = exists ? joiner(left?.value ?? null, right?.value ?? null) : null;
  if (value === null) return undefined;
  return { value, timestampMs: laterMs(left?.timestampMs ?? -1, right?.timestampMs) };
}

interface JoinSide<K, V, VO, VR> {
  readonly node: string;
  readonly other: TableView<K, VO>;
  readonly joiner: (value: V | null, other: VO | null) => VR | null;
  /** Without the other row there is no result. */
  readonly needsOther: boolean;
  /** The other row alone is enough for a result. */
  readonly otherAlone: boolean;
  /** Updates of the past make no difference to the current result. */
  readonly skipsPast: boolean;
  readonly oldValues: boolean;
}

class TableJoinSide<K, V, VO, VR> implements Processor<K, Change<V>, K, Change<VR>> {
  readonly #side: JoinSide<K, V, VO, VR>;
  #context!: ProcessorContext<K, Change<VR>>;
  #other!: TableReader<K, VO>;
  #dropped!: DroppedRecords;

  constructor(side: JoinSide<K, V, VO, VR>) {
    this.#side = side;
  }

  init(context: ProcessorContext<K, Change<VR>>): void {
    this.#context = context;
    this.#other = this.#side.other.open(context);
    this.#dropped = new DroppedRecords(context, this.#side.node);
  }

  process(record: Record<K, Change<V>>): void {
    const { needsOther, skipsPast, oldValues } = this.#side;
    const { newValue, oldValue, isLatest } = record.value;
    if (skipsPast && !isLatest) {
      this.#dropped.add('superseded');
      return;
    }
    const other = this.#other.get(record.key);
    if (other === undefined && (needsOther || (newValue === null && oldValue === null))) return;
    const change = {
      newValue: this.#result(newValue, other),
      oldValue: oldValues ? this.#result(oldValue, other) : null,
      isLatest,
    };
    const timestampMs = laterMs(record.timestampMs, other?.timestampMs);
    this.#context.forward({ ...withValue(record, change), timestampMs });
  }

  #result(value: V | null, other: ValueAndTimestamp<VO> | undefined): VR | null {
    const exists = value !== null || (this.#side.otherAlone && other !== undefined);
    return exists ? this.#side.joiner(value, other?.value ?? null) : null;
  }
}

class TableJoinMerge<K, VR> implements Processor<K, Change<VR>, K, Change<VR>> {
  readonly #storeName: string | undefined;
  readonly #sending: Sending;
  #context!: ProcessorContext<K, Change<VR>>;
  #store: TableStore<K, VR> | undefined;

  constructor(storeName: string | undefined, sending: Sending) {
    this.#storeName = storeName;
    this.#sending = sending;
  }

  init(context: ProcessorContext<K, Change<VR>>): void {
    this.#context = context;
    if (this.#storeName !== undefined) this.#store = openTableStore(context, this.#storeName);
  }

  process(record: Record<K, Change<VR>>): void {
    const { newValue, oldValue, isLatest } = record.value;
    this.#store?.put(record.key, newValue, record.timestampMs);
    const former = this.#sending.oldValues ? oldValue : null;
    const latest = this.#store !== undefined || isLatest;
    this.#context.forward(withValue(record, { newValue, oldValue: former, isLatest: latest }));
  }
}
