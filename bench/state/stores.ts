/**
 * Micro-benchmarks of the state backends and the stores on them. One JSON line per figure; the machine is described first.
 *
 *     node bench/state/stores.ts [rounds]
 *
 * Each figure is the best of the rounds (default 3), since other load on the machine only ever makes one slower; the second one is
 * per second of this thread's CPU time, which does not count the database's own threads.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringKey } from '../../state/codecs.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { keyValueStore, timerStore, windowStore } from '../../state/stores.ts';
import type { KeySpace, Metrics, StateBackend } from '../../streams/ports.ts';
import { bytesSerde } from '../../streams/serdes.ts';
import type { StateStore, StoreBuilder } from '../../streams/state-store.ts';

const KEYS = 100_000;
const VALUE = Buffer.alloc(100, 'v');
const COMMIT_EVERY = 10_000;

type Backends = 'rocksdb' | 'memory';
type Rates = { readonly perSecond: number; readonly perCpuSecond: number };
type Benchmark = (backend: StateBackend) => { operations: number; run: () => void };

const keyText = (number: number): string => `driver-${(number * 7919) % KEYS}`;
const keyBytes = (number: number): Uint8Array => Buffer.from(keyText(number));

const metrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ record: () => undefined }),
};

let streamTimeMs = 0;
const build = <S extends StateStore>(backend: StateBackend, builder: StoreBuilder<S>): S =>
  builder.build({ taskId: '0_0', backend, metrics, streamTimeMs: () => streamTimeMs });

function commit(backend: StateBackend, store: StateStore): void {
  store.flush({ append: () => undefined });
  const batch = backend.batch();
  store.stage(batch);
  batch.setPosition({ topic: 'changelog', partition: 0 }, 1);
  backend.write(batch);
}

function fill(backend: StateBackend, space: KeySpace): void {
  for (let from = 0; from < KEYS; from += COMMIT_EVERY) {
    const batch = backend.batch();
    for (let number = from; number < from + COMMIT_EVERY; number += 1) batch.put(space, keyBytes(number), VALUE);
    backend.write(batch);
  }
}

const benchmarks: Record<string, Benchmark> = {
  'backend: batch put, 10,000 a batch': (backend) => {
    const space = backend.keySpace('s');
    return { operations: KEYS, run: () => fill(backend, space) };
  },
  'backend: multi-get, 1,000 a call': (backend) => {
    const space = backend.keySpace('s');
    fill(backend, space);
    const calls = Array.from({ length: 100 }, (_, call) =>
      Array.from({ length: 1000 }, (_, index) => keyBytes(call * 1000 + index)),
    );
    return {
      operations: KEYS,
      run: () => {
        for (const keys of calls) space.getMany(keys);
      },
    };
  },
  'backend: get': (backend) => {
    const space = backend.keySpace('s');
    fill(backend, space);
    return {
      operations: KEYS / 2,
      run: () => {
        for (let number = 0; number < KEYS / 2; number += 1) space.get(keyBytes(number));
      },
    };
  },
  'backend: scan': (backend) => {
    const space = backend.keySpace('s');
    fill(backend, space);
    return { operations: KEYS, run: () => void [...space.range({})] };
  },
  'key-value: put and commit, distinct keys, one commit': (backend) => {
    const store = build(backend, keyValueStore({ name: 'kv', key: stringKey, value: bytesSerde }));
    return {
      operations: KEYS,
      run: () => {
        for (let number = 0; number < KEYS; number += 1) store.put(keyText(number), VALUE);
        commit(backend, store);
      },
    };
  },
  'key-value: mark, get, put per record, 10,000 hot keys': (backend) => {
    const store = build(backend, keyValueStore({ name: 'kv', key: stringKey, value: bytesSerde }));
    const keys = Array.from({ length: 10_000 }, (_, number) => keyText(number));
    return {
      operations: 10 * KEYS,
      run: () => {
        for (let number = 0; number < 10 * KEYS; number += 1) {
          store.mark();
          const key = keys[(number * 31) % keys.length]!;
          store.put(key, store.get(key) ?? VALUE);
          if (number % (5 * COMMIT_EVERY) === 0) commit(backend, store);
        }
        commit(backend, store);
      },
    };
  },
  'key-value: prefetch, get, put, commit, all keys cold': (backend) => {
    const store = build(backend, keyValueStore({ name: 'kv', key: stringKey, value: bytesSerde, cacheEntries: 2 }));
    fill(backend, backend.keySpace('kv'));
    return {
      operations: KEYS,
      run: () => {
        for (let from = 0; from < KEYS; from += 1000) {
          const keys = Array.from({ length: 1000 }, (_, index) => keyText(from + index));
          store.prefetch(keys);
          for (const key of keys) store.put(key, store.get(key)!);
          if (from % COMMIT_EVERY === 0) commit(backend, store);
        }
        commit(backend, store);
      },
    };
  },
  'timers: schedule, commit, fire, commit': (backend) => {
    const store = build(backend, timerStore({ name: 'timers', key: stringKey }));
    return {
      operations: KEYS,
      run: () => {
        for (let number = 0; number < KEYS; number += 1) {
          store.schedule(keyText(number), 1_000_000 + (number % 5000));
          if (number % COMMIT_EVERY === 0) commit(backend, store);
        }
        commit(backend, store);
        let fired = 0;
        for (let due = store.peekDue(Infinity); due !== undefined; due = store.peekDue(Infinity)) {
          store.cancel(due.key);
          fired += 1;
          if (fired % COMMIT_EVERY === 0) commit(backend, store);
        }
        commit(backend, store);
      },
    };
  },
  'timers: look for the next one, none due, 100,000 waiting': (backend) => {
    const store = build(backend, timerStore({ name: 'timers', key: stringKey }));
    for (let number = 0; number < KEYS; number += 1) store.schedule(keyText(number), 1_000_000 + number);
    commit(backend, store);
    return {
      operations: 10 * KEYS,
      run: () => {
        for (let number = 0; number < 10 * KEYS; number += 1) store.nextDueMs();
      },
    };
  },
  'windows: put and commit, time advancing': (backend) => {
    const store = build(
      backend,
      windowStore({ name: 'w', key: stringKey, value: bytesSerde, retentionMs: 600_000, cacheEntries: 2 }),
    );
    streamTimeMs = 0;
    return {
      operations: KEYS,
      run: () => {
        for (let number = 0; number < KEYS; number += 1) {
          streamTimeMs += 60;
          store.put(keyText(number % 1000), VALUE, streamTimeMs);
          if (number % COMMIT_EVERY === 0) commit(backend, store);
        }
        commit(backend, store);
      },
    };
  },
  'windows: fetch a range of 10 windows of one key': (backend) => {
    const store = build(backend, windowStore({ name: 'w', key: stringKey, value: bytesSerde, retentionMs: 600_000 }));
    streamTimeMs = 1_000_000;
    for (let number = 0; number < 10_000; number += 1) {
      store.put(keyText(number % 1000), VALUE, 900_000 + Math.floor(number / 1000) * 1000);
    }
    commit(backend, store);
    return {
      operations: 10_000,
      run: () => {
        for (let number = 0; number < 10_000; number += 1)
          void [...store.fetchRange(keyText(number % 1000), 0, Infinity)];
      },
    };
  },
};

async function measure(kind: Backends, benchmark: Benchmark): Promise<Rates> {
  const stateDir = await mkdtemp(join(tmpdir(), 'state-bench-'));
  const factory = kind === 'memory' ? new MemoryBackendFactory() : new RocksDbBackendFactory({ stateDir, maxTasks: 4 });
  const backend = await factory.open('0_0');
  const { operations, run } = benchmark(backend);
  const startedMs = performance.now();
  const startedCpu = process.threadCpuUsage();
  run();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.threadCpuUsage(startedCpu);
  await backend.close();
  await rm(stateDir, { recursive: true, force: true });
  return { perSecond: operations / seconds, perCpuSecond: (operations * 1e6) / (user + system) };
}

const rounds = Number(process.argv[2] ?? 3);
const [cpu] = cpus();
console.log(JSON.stringify({ node: process.version, cpu: cpu?.model, cores: cpus().length, rounds, keys: KEYS }));
for (const [name, benchmark] of Object.entries(benchmarks)) {
  for (const kind of ['rocksdb', 'memory'] as const) {
    const measured: Rates[] = [];
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(kind, benchmark));
    const best = (rate: keyof Rates): number => Math.round(Math.max(...measured.map((rates) => rates[rate])));
    console.log(
      JSON.stringify({ name, backend: kind, perSecond: best('perSecond'), perCpuSecond: best('perCpuSecond') }),
    );
  }
}
