/**
 * The application that is simulated: two sub-topologies that use what the engine has, and say after each step what they hold, so
 * that an auditor can follow.
 *
 * `ledger` reads two co-partitioned topics in timestamp order: it counts each key's records, in all and by window, keeps
 * reminders that fall due, writes every step to `results` and sends it on by group. `totals` counts what reaches each group
 * and closes it a while after its first record. Some records cannot be read, processed or sent: they go to the dead letters.
 */
import { stringKey } from '../../state/codecs.ts';
import { dueKeyValueStore, keyValueStore, timerStore, windowStore } from '../../state/stores.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import { jsonSerde, stringSerde } from '../../streams/serdes.ts';
import type { DueKeyValueStore, KeyValueStore, TimerStore, WindowStore } from '../../streams/state-store.ts';
import { Topology } from '../../streams/topology.ts';

/**
 * What a record asks for. `plain`: count it. `remind`: and set the key's reminder. `forget`: and drop the reminder. `clear`: and
 * delete the key's count. `throw`: fail after all writes. `oversize`: send a result that is too large. `poison`: fail in the
 * second sub-topology.
 */
export type Kind = 'plain' | 'remind' | 'forget' | 'clear' | 'throw' | 'oversize' | 'poison';

export interface Input {
  readonly id: string;
  readonly kind: Kind;
  readonly group: string;
  /** Of the reminder: after how many milliseconds, and how often. */
  readonly delayMs: number;
  readonly times: number;
}

export interface Account {
  readonly count: number;
  /** Over the ids of everything that was counted, in order. */
  readonly digest: number;
}

export interface Reminder {
  readonly dueMs: number;
  readonly delayMs: number;
  readonly timesLeft: number;
  readonly group: string;
}

/** One step of `ledger`, of which each is written once to `results` and once to its group. */
export interface Step extends Account {
  /** The record's id, or `key@due` of a reminder. */
  readonly id: string;
  readonly key: string;
  readonly group: string;
  /** Records of the key in the record's window; 0 for a reminder. */
  readonly inWindow: number;
  /** What the global table says about the group. */
  readonly rate: string;
  readonly origin: number;
  readonly poison: boolean;
  /** The clock of the process. */
  readonly systemTimeMs: number;
  readonly padding?: string;
}

/** One step of `totals`. */
export interface Total extends Account {
  readonly id: string;
  readonly group: string;
  readonly systemTimeMs: number;
}

export const WINDOW_MS = 2_000;
/** What is due so late does not fall due within a run; it stays in the stores. */
export const FAR_MS = 86_400_000;
/** How long after its first record a group is closed. */
export const closeAfterMs = (group: string): number => (group === 'grey' ? FAR_MS : 1_000);
export const MAX_RESULT_BYTES = 2_000;
const RETENTION_MS = 3_600_000;

export const nextDigest = (digest: number, id: string): number => {
  let next = digest;
  for (let at = 0; at < id.length; at++) next = (Math.imul(next, 31) + id.charCodeAt(at)) >>> 0;
  return next;
};

const EMPTY: Account = { count: 0, digest: 7 };

const counted = ({ count, digest }: Account, id: string): Account => ({
  count: count + 1,
  digest: nextDigest(digest, id),
});

class Ledger implements Processor<string, Input, string, Step> {
  #context!: ProcessorContext<string, Step>;
  #accounts!: KeyValueStore<string, Account>;
  #windows!: WindowStore<string, number>;
  #reminders!: DueKeyValueStore<string, Reminder>;
  #rates!: KeyValueStore<string, string>;

  init(context: ProcessorContext<string, Step>): void {
    this.#context = context;
    this.#accounts = context.getStateStore('accounts');
    this.#windows = context.getStateStore('windows');
    this.#reminders = context.getStateStore('reminders');
    this.#rates = context.getStateStore('rates');
    context.onDue<string, Reminder>('reminders', (key, reminder, dueMs) => this.#remind(key, reminder, dueMs));
  }

  prefetch(records: readonly Record<string, Input>[]): void {
    this.#accounts.prefetch(records.map(({ key }) => key));
  }

  process({ key, value, timestampMs }: Record<string, Input>): void {
    const account = counted(this.#accounts.get(key) ?? EMPTY, value.id);
    const windowStartMs = Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
    const inWindow = (this.#windows.fetch(key, windowStartMs) ?? 0) + 1;
    this.#accounts.put(key, account);
    this.#windows.put(key, inWindow, windowStartMs);
    this.#apply(key, value, timestampMs);
    const poison = value.kind === 'poison';
    this.#say(
      { ...account, id: value.id, key, group: value.group, inWindow, poison },
      timestampMs,
      value.kind === 'oversize',
    );
    if (value.kind === 'throw') throw new Error(`${value.id} fails after all of its writes`);
  }

  #apply(key: string, { kind, group, delayMs, times }: Input, timestampMs: number): void {
    if (kind === 'clear') this.#accounts.delete(key);
    if (kind === 'forget') this.#reminders.delete(key);
    if (kind !== 'remind' && kind !== 'throw' && kind !== 'oversize') return;
    this.#reminders.put(key, { dueMs: timestampMs + delayMs, delayMs, timesLeft: times - 1, group });
  }

  #remind(key: string, { delayMs, timesLeft, group }: Reminder, dueMs: number): void {
    if (timesLeft > 0) this.#reminders.put(key, { dueMs: dueMs + delayMs, delayMs, timesLeft: timesLeft - 1, group });
    else this.#reminders.delete(key);
    const id = `${key}@${dueMs}`;
    const account = counted(this.#accounts.get(key) ?? EMPTY, id);
    this.#accounts.put(key, account);
    this.#say({ ...account, id, key, group, inWindow: 0, poison: false }, dueMs, false);
  }

  #say(step: Omit<Step, 'origin' | 'rate' | 'systemTimeMs'>, timestampMs: number, oversize: boolean): void {
    const { partition: origin, systemTimeMs } = this.#context;
    const rate = this.#rates.get(step.group) ?? 'none';
    const value = { ...step, origin, rate, systemTimeMs };
    this.#context.forward({ key: step.group, value, timestampMs }, 'by-group-out');
    const padding = oversize ? 'x'.repeat(MAX_RESULT_BYTES) : '';
    this.#context.forward(
      { key: step.key, value: oversize ? { ...value, padding } : value, timestampMs },
      'results-out',
    );
  }
}

class Totals implements Processor<string, Step, string, Total> {
  #context!: ProcessorContext<string, Total>;
  #totals!: KeyValueStore<string, Account>;
  #closing!: TimerStore<string>;

  init(context: ProcessorContext<string, Total>): void {
    this.#context = context;
    this.#totals = context.getStateStore('totals');
    this.#closing = context.getStateStore('closing');
    context.onDue<string, number>('closing', (group, _, dueMs) => {
      const account = this.#totals.get(group) ?? EMPTY;
      this.#totals.delete(group);
      this.#closing.cancel(group);
      this.#say(`${group}@${dueMs}`, group, account, dueMs);
    });
  }

  process({ key: group, value, timestampMs }: Record<string, Step>): void {
    const account = counted(this.#totals.get(group) ?? EMPTY, value.id);
    this.#totals.put(group, account);
    if (account.count === 1) this.#closing.schedule(group, timestampMs + closeAfterMs(group));
    this.#say(value.id, group, account, timestampMs);
    if (value.poison) throw new Error(`${value.id} fails after all of its writes`);
  }

  #say(id: string, group: string, account: Account, timestampMs: number): void {
    const { systemTimeMs } = this.#context;
    this.#context.forward({ key: group, value: { ...account, id, group, systemTimeMs }, timestampMs });
  }
}

class Rates implements Processor<string, string> {
  #rates!: KeyValueStore<string, string>;

  init(context: ProcessorContext): void {
    this.#rates = context.getStateStore('rates');
  }

  process({ key, value }: Record<string, string>): void {
    this.#rates.put(key, value);
  }
}

const samePartition = (_: unknown, taskPartition: number): number => taskPartition;

/** Small caches, so that eviction, reloading and the loading of due times all take place. */
const caching = { cacheEntries: 2 };

type Prepare = () => Promise<void> | undefined;

/** `prepare`: what reading a batch has to wait for. */
export const ledgerTopology = (prepare: Prepare): Topology =>
  new Topology()
    .addGlobalStore({
      ...{ source: 'rates-in', topic: 'rates', key: stringSerde, value: stringSerde, processor: 'keep-rates' },
      store: keyValueStore({ name: 'rates', key: stringKey, value: stringSerde, logging: false }),
      supplier: () => new Rates(),
    })
    .addRepartitionTopic('by-group')
    .addSource({ name: 'left-in', topics: ['left'], key: stringSerde, value: { ...jsonSerde<Input>(), prepare } })
    .addSource({ name: 'right-in', topics: ['right'], key: stringSerde, value: jsonSerde<Input>() })
    .addProcessor({ name: 'ledger', supplier: () => new Ledger(), parents: ['left-in', 'right-in'] })
    .addStateStore(keyValueStore({ name: 'accounts', key: stringKey, value: jsonSerde<Account>(), ...caching }), [
      'ledger',
    ])
    .addStateStore(
      windowStore({
        name: 'windows',
        key: stringKey,
        value: jsonSerde<number>(),
        retentionMs: RETENTION_MS,
        ...caching,
      }),
      ['ledger'],
    )
    .addStateStore(
      dueKeyValueStore({
        ...{ name: 'reminders', key: stringKey, value: jsonSerde<Reminder>(), dueChunk: 2, ...caching },
        dueAtMs: ({ dueMs }) => dueMs,
      }),
      ['ledger'],
    )
    .addSink({
      ...{ name: 'results-out', topic: 'results', key: stringSerde, value: jsonSerde<Step>(), parents: ['ledger'] },
      partitioner: samePartition,
    })
    .addSink({
      name: 'by-group-out',
      topic: 'by-group',
      key: stringSerde,
      value: jsonSerde<Step>(),
      parents: ['ledger'],
    })
    .addSource({
      ...{ name: 'by-group-in', topics: ['by-group'], key: stringSerde, value: { ...jsonSerde<Step>(), prepare } },
    })
    .addProcessor({ name: 'total', supplier: () => new Totals(), parents: ['by-group-in'] })
    .addStateStore(keyValueStore({ name: 'totals', key: stringKey, value: jsonSerde<Account>(), ...caching }), [
      'total',
    ])
    .addStateStore(timerStore({ name: 'closing', key: stringKey, dueChunk: 2, ...caching }), ['total'])
    .addSink({
      ...{ name: 'totals-out', topic: 'totals', key: stringSerde, value: jsonSerde<Total>(), parents: ['total'] },
      partitioner: samePartition,
    });
