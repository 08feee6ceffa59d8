/**
 * A store with the part of the engine around it that commits, crashes and restores, so that a test can do these at any point.
 *
 * The steps are the engine's: flush into changelog records; the records become durable; the batch with data and position is
 * written.
 */
import fc from 'fast-check';
import type { Serde } from '../../streams/serde.ts';
import type { LogRecord, Metrics, StateBackend } from '../../streams/ports.ts';
import type { KeyScanOptions, StateStore, StoreBuilder } from '../../streams/state-store.ts';
import type { BackendFixture, BackendKind } from './state-backend-fixtures.ts';

const TASK = '0_0';
const changelog = { topic: 'changelog', partition: 0 };

export class StoreHarness<S extends StateStore> {
  store!: S;
  backend!: StateBackend;
  streamTimeMs = -1;
  /** The changelog topic. */
  readonly log: LogRecord[] = [];
  /** Sum of what was counted, by metric name. */
  readonly counted = new Map<string, number>();
  readonly #fixture: BackendFixture;
  readonly #builder: StoreBuilder<S>;

  static async open<S extends StateStore>(kind: BackendKind, builder: StoreBuilder<S>): Promise<StoreHarness<S>> {
    const harness = new StoreHarness(await kind.fixture(), builder);
    await harness.#start();
    return harness;
  }

  private constructor(fixture: BackendFixture, builder: StoreBuilder<S>) {
    this.#fixture = fixture;
    this.#builder = builder;
  }

  commit(): void {
    this.#flush();
    const batch = this.backend.batch();
    this.store.stage(batch);
    batch.setPosition(changelog, this.log.length);
    this.backend.write(batch);
  }

  /** The changelog records are committed, and then the process dies. */
  async crashWithinCommit(): Promise<void> {
    this.#flush();
    await this.crash();
  }

  /** The process dies; the next one restores the changelog's tail. */
  async crash(): Promise<void> {
    await this.#fixture.crash(TASK, this.backend);
    await this.#start();
  }

  /** An orderly restart. */
  async restart(): Promise<void> {
    this.store.close();
    await this.backend.close();
    await this.#start();
  }

  /** The state is gone; all of it comes from the changelog. */
  async loseDisk(): Promise<void> {
    this.store.close();
    await this.backend.close();
    await this.#fixture.factory.destroy(TASK);
    await this.#start();
  }

  /** Builds the store again with another declaration on the same state. */
  async rebuild(builder: StoreBuilder<S>): Promise<S> {
    this.store.close();
    this.store = builder.build(this.#context());
    return this.store;
  }

  async dispose(): Promise<void> {
    await this.backend.close();
    await this.#fixture.dispose();
  }

  async #start(): Promise<void> {
    this.backend = await this.#fixture.factory.open(TASK);
    this.store = this.#builder.build(this.#context());
    const position = this.backend.position(changelog) ?? 0;
    // Several batches, as a long tail would come.
    for (let from = position; from < this.log.length; from += 10) {
      const records = this.log.slice(from, from + 10);
      const batch = this.backend.batch();
      this.store.restore(records, batch);
      batch.setPosition(changelog, from + records.length);
      this.backend.write(batch);
    }
  }

  #context() {
    return { taskId: TASK, backend: this.backend, metrics: this.#metrics, streamTimeMs: () => this.streamTimeMs };
  }

  readonly #metrics: Metrics = {
    counter: (name) => ({
      add: (amount) => void this.counted.set(name, (this.counted.get(name) ?? 0) + amount),
    }),
    gauge: () => ({ set: () => undefined }),
    histogram: () => ({ record: () => undefined }),
  };

  #flush(): void {
    this.store.flush({
      append: (key, value, timestampMs) => {
        this.log.push({
          offset: this.log.length,
          key: Uint8Array.from(key),
          value: value && Uint8Array.from(value),
          timestampMs,
          headers: undefined,
        });
      },
    });
  }
}

/** JSON written into one buffer that every call reuses, as serdes are allowed to; counts its calls. */
export function reusingSerde<T>(): Serde<T> & { encoded: number; decoded: number } {
  const scratch = Buffer.alloc(4096);
  return {
    encoded: 0,
    decoded: 0,
    serialize(_topic, value) {
      this.encoded += 1;
      scratch.fill(0xee);
      return scratch.subarray(0, scratch.write(JSON.stringify(value), 0, 'utf8'));
    },
    deserialize(_topic, data) {
      this.decoded += 1;
      return JSON.parse(Buffer.from(data!).toString('utf8')) as T;
    },
  };
}

/** Any choice of keys, in either direction. */
export const keyScan = (key: fc.Arbitrary<string>): fc.Arbitrary<KeyScanOptions<string>> =>
  fc.record(
    { reverse: fc.boolean(), fromKey: key, toKey: key, prefix: key.map((text) => Buffer.from(text)) },
    { requiredKeys: [] },
  );

/** Whether a plain reading of the options takes the key. */
export function isChosen(key: string, { fromKey, toKey, prefix }: KeyScanOptions<string>): boolean {
  const bytes = Buffer.from(key);
  return (
    (fromKey === undefined || Buffer.compare(bytes, Buffer.from(fromKey)) >= 0) &&
    (toKey === undefined || Buffer.compare(bytes, Buffer.from(toKey)) < 0) &&
    (prefix === undefined || bytes.subarray(0, prefix.length).equals(prefix))
  );
}

/** What a naive store would hold: the present, the last commit, and where `undo` goes back to. */
export class NaiveState<T> {
  current = new Map<string, T>();
  #committed = new Map<string, T>();
  #marked: Map<string, T> | undefined;

  mark(): void {
    this.#marked = new Map(this.current);
  }

  undo(): void {
    if (this.#marked !== undefined) this.current = new Map(this.#marked);
  }

  get hasMark(): boolean {
    return this.#marked !== undefined;
  }

  commit(): void {
    this.#committed = new Map(this.current);
    if (this.hasMark) this.mark();
  }

  rollback(): void {
    this.current = new Map(this.#committed);
    if (this.hasMark) this.mark();
  }

  /** A new store has no mark. */
  restart(): void {
    this.rollback();
    this.#marked = undefined;
  }
}

/** The steps of a store's life that every model test mixes in. */
export type LifeStep =
  'mark' | 'undo' | 'commit' | 'rollback' | 'restart' | 'crash' | 'crash-within-commit' | 'lose-disk';

export async function live(
  step: LifeStep,
  harness: StoreHarness<StateStore>,
  model: NaiveState<unknown>,
): Promise<void> {
  switch (step) {
    case 'mark':
      harness.store.mark();
      model.mark();
      return;
    case 'undo':
      if (!model.hasMark) return;
      harness.store.undo();
      model.undo();
      return;
    case 'commit':
      harness.commit();
      model.commit();
      return;
    case 'rollback':
      harness.store.rollback();
      model.rollback();
      return;
    case 'crash-within-commit':
      await harness.crashWithinCommit();
      model.commit();
      model.restart();
      return;
    case 'restart':
      await harness.restart();
      model.restart();
      return;
    case 'crash':
      await harness.crash();
      model.restart();
      return;
    case 'lose-disk':
      await harness.loseDisk();
      model.restart();
      return;
  }
}
