/**
 * What only a state on a disk can show: kills, locks across processes, damage, worker threads, budgets.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import binding from 'rocksdb/binding.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { StateCorruptedError, StateIoError, StateLockedError } from '../../streams/errors.ts';
import type { StateBackend } from '../../streams/ports.ts';
import { applyBatch, CRASH_TASK, crashChangelog } from './state-backend-crash-child.ts';

const TASK = '0_0';
const key = (number: number): Uint8Array => Buffer.from(`key-${String(number).padStart(6, '0')}`);
const changelog = { topic: 'changelog', partition: 0 };

describe('state backend RocksDB on a disk', () => {
  let stateDir: string;
  let factory: RocksDbBackendFactory;

  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'state-rocksdb-'));
    factory = new RocksDbBackendFactory({ stateDir, budgetBytes: 4 * 1024 * 1024, maxTasks: 1 });
  });
  afterEach(() => rm(stateDir, { recursive: true, force: true }));

  it('holds whole batches with their positions after SIGKILL, and all that were acknowledged [INV-STATE-CRASH]', async () => {
    const model = new Map<string, string>();
    let applied = 0;
    for (const afterMs of [150, 260, 90]) {
      const acknowledged = await killWhileWriting(stateDir, afterMs);
      const backend = await factory.open(CRASH_TASK);
      const position = backend.position(crashChangelog) ?? 0;
      expect(position).toBeGreaterThanOrEqual(acknowledged);
      expect(position).toBeGreaterThan(applied);
      while (applied < position) applyToModel((applied += 1), model);
      const content = [...backend.keySpace('store').range({})].map(([k, v]) => [String(k), String(v)]);
      expect(content).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
      await backend.close();
    }
  }, 30_000);

  it('finishes a range deletion that was cut off after its batch was written [INV-STATE-RANGE]', async () => {
    const backend = await factory.open(TASK);
    const space = backend.keySpace('store');
    const filling = backend.batch();
    for (let number = 0; number < 100; number += 1) filling.put(space, key(number), key(number));
    backend.write(filling);
    const batch = backend.batch();
    batch.deleteRange(space, key(10), key(90));
    batch.put(space, key(50), Buffer.from('kept'));
    batch.setPosition(changelog, 8);
    const cutOff = vi.spyOn(binding, 'db_clear').mockImplementation(() => {
      throw new Error('cut off');
    });
    expect(() => backend.write(batch)).toThrow(StateIoError);
    cutOff.mockRestore();
    await backend.close();

    const reopened = await factory.open(TASK);
    const again = reopened.keySpace('store');
    expect(reopened.position(changelog)).toBe(8);
    expect([...again.range({})]).toHaveLength(21);
    expect(String(again.get(key(50)))).toBe('kept');
    const writing = reopened.batch();
    writing.put(again, key(20), Buffer.from('written later'));
    reopened.write(writing);
    await reopened.close();
    const last = await factory.open(TASK);
    expect(String(last.keySpace('store').get(key(20)))).toBe('written later');
    await last.close();
  });

  it('names the directory and the way out when another process has the state', async () => {
    const child = spawn(process.execPath, [childScript, stateDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const refused = factory.open(CRASH_TASK);
    await expect(refused).rejects.toThrow(StateLockedError);
    await expect(refused).rejects.toThrow(join(stateDir, CRASH_TASK));
    await expect(refused).rejects.toThrow(/Stop that one/);
    await expect(factory.destroy(CRASH_TASK)).rejects.toThrow(StateLockedError);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const backend = await factory.open(CRASH_TASK);
    expect(backend.position(crashChangelog)).toBeGreaterThan(0);
    await backend.close();
  });

  describe('with damage [INV-STATE-DAMAGE]', () => {
    const directory = (): string => join(stateDir, TASK);
    const files = async (pattern: RegExp): Promise<string[]> =>
      (await readdir(directory())).filter((name) => pattern.test(name)).map((name) => join(directory(), name));

    /** Enough to have several sorted files. */
    beforeEach(async () => {
      const backend = await factory.open(TASK);
      const space = backend.keySpace('store');
      for (let round = 0; round < 20; round += 1) {
        const batch = backend.batch();
        for (let number = 0; number < 2000; number += 1) {
          batch.put(space, key(round * 2000 + number), Buffer.alloc(100, round));
        }
        batch.setPosition(changelog, round);
        backend.write(batch);
      }
      await backend.close();
      // Opening once more turns the log into a file.
      await (await factory.open(TASK)).close();
      expect(await files(/\.sst$/)).not.toEqual([]);
    });

    /** Opens and reads all; the damage shows in one or the other. */
    const use = async (): Promise<number> => {
      const backend = await factory.open(TASK);
      try {
        return [...backend.keySpace('store').range({})].length;
      } finally {
        await backend.close();
      }
    };
    const flipMiddle = async (path: string): Promise<void> => {
      const bytes = await readFile(path);
      const middle = bytes.length >> 1;
      for (let at = middle; at < middle + 64 && at < bytes.length; at += 1) bytes[at] = bytes[at]! ^ 0xff;
      await writeFile(path, bytes);
    };
    const expectCorrupted = async (): Promise<void> => {
      await expect(use()).rejects.toThrow(StateCorruptedError);
      await expect(use()).rejects.toMatchObject({ recovery: 'rebuild-task' });
      await factory.destroy(TASK);
      expect(await use()).toBe(0);
    };

    it('is whole to begin with', async () => {
      expect(await use()).toBe(40_000);
    });

    it('tells a data file with flipped bits', async () => {
      for (const path of await files(/\.sst$/)) await flipMiddle(path);
      await expectCorrupted();
    });

    it('tells a data file that is cut short', async () => {
      for (const path of await files(/\.sst$/)) await truncate(path, 1000);
      await expectCorrupted();
    });

    it('tells a data file that is missing', async () => {
      await rm((await files(/\.sst$/))[0]!);
      await expectCorrupted();
    });

    it('tells a CURRENT file that is garbage', async () => {
      await writeFile(join(directory(), 'CURRENT'), 'garbage');
      await expectCorrupted();
    });

    it('tells a CURRENT file that is missing', async () => {
      await rm(join(directory(), 'CURRENT'));
      await expectCorrupted();
    });

    it('tells a manifest with flipped bits', async () => {
      for (const path of await files(/^MANIFEST-/)) await flipMiddle(path);
      await expectCorrupted();
    });

    it('tells a manifest that is missing', async () => {
      for (const path of await files(/^MANIFEST-/)) await rm(path);
      await expectCorrupted();
    });

    it('tells single reads from a damaged file, too', async () => {
      for (const path of await files(/\.sst$/)) await flipMiddle(path);
      const backend = await factory.open(TASK);
      const space = backend.keySpace('store');
      const keys = Array.from({ length: 40_000 }, (_, number) => key(number));
      expect(() => space.getMany(keys)).toThrow(StateCorruptedError);
      await backend.close();
    });
  });

  it('does not take a place it may not write for a damaged state', async () => {
    await writeFile(join(stateDir, 'file'), '');
    const blocked = new RocksDbBackendFactory({ stateDir: join(stateDir, 'file') });
    await expect(blocked.open(TASK)).rejects.toThrow(StateIoError);
    await expect(blocked.open(TASK)).rejects.toMatchObject({ recovery: 'stop' });
  });

  it('keeps to its directory', async () => {
    for (const taskId of ['..', '.', 'a/b', '', '/etc', '0_0/../..']) {
      await expect(factory.open(taskId)).rejects.toThrow(RangeError);
      await expect(factory.destroy(taskId)).rejects.toThrow(RangeError);
    }
  });

  it('lists tasks only, and none where there is no directory', async () => {
    await mkdir(join(stateDir, '0_7'));
    await writeFile(join(stateDir, 'notes.txt'), '');
    expect(await factory.list()).toEqual(['0_7']);
    expect(await new RocksDbBackendFactory({ stateDir: join(stateDir, 'none') }).list()).toEqual([]);
  });

  it('refuses a budget that is too small for its tasks', () => {
    expect(() => new RocksDbBackendFactory({ stateDir, budgetBytes: 1024 * 1024, maxTasks: 8 })).toThrow(/too small/);
  });

  it('divides its budget by the tasks that are to be expected [INV-STATE-BUDGET]', async () => {
    const shared = new RocksDbBackendFactory({ stateDir, budgetBytes: 64 * 1024 * 1024 });
    shared.expect(16);
    const backend = await shared.open(TASK);
    expect(backend.stats()['block_cache_capacity']).toBe(1024 * 1024);
    await backend.close();
    expect(() => shared.expect(64)).toThrow(/too small for 64 tasks/);
  });

  it('stays near its budget and says what it uses [INV-STATE-BUDGET]', async () => {
    const budgetBytes = 8 * 1024 * 1024;
    const backend = await new RocksDbBackendFactory({ stateDir, budgetBytes, maxTasks: 1 }).open(TASK);
    const space = backend.keySpace('store');
    for (let round = 0; round < 100; round += 1) {
      const batch = backend.batch();
      for (let number = 0; number < 2000; number += 1) {
        batch.put(space, key(round * 2000 + number), Buffer.alloc(200, round));
      }
      backend.write(batch);
    }
    for (let number = 0; number < 200_000; number += 5) space.get(key(number));
    const stats = backend.stats();
    expect(stats['cur_size_all_mem_tables']! + stats['block_cache_usage']!).toBeLessThan(budgetBytes * 1.1);
    expect(stats['estimate_num_keys']).toBeGreaterThan(100_000);
    expect(stats['total_sst_files_size']).toBeGreaterThan(1_000_000);
    await backend.close();
  });

  it('works in a worker thread, and gives the state free when the worker is terminated', async () => {
    for (const end of ['close', 'terminate']) {
      const worker = new Worker(workerSource, { eval: true, workerData: { stateDir, end } });
      const [message] = (await once(worker, 'message')) as [string];
      expect(message).toBe('written');
      if (end === 'terminate') {
        await expect(factory.open(TASK)).rejects.toThrow(StateLockedError);
        await worker.terminate();
      } else await once(worker, 'exit');
      const backend: StateBackend = await factory.open(TASK);
      expect(String(backend.keySpace('store').get(Buffer.from(end)))).toBe('from the worker');
      await backend.close();
    }
  });
});

const childScript = join(import.meta.dirname, 'state-backend-crash-child.ts');
const factoryModule = join(import.meta.dirname, '../../state/rocksdb-factory.ts');

const workerSource = `
  const { parentPort, workerData } = require('node:worker_threads');
  void (async () => {
    const { RocksDbBackendFactory } = await import(${JSON.stringify(factoryModule)});
    const backend = await new RocksDbBackendFactory({ stateDir: workerData.stateDir }).open('0_0');
    const batch = backend.batch();
    batch.put(backend.keySpace('store'), Buffer.from(workerData.end), Buffer.from('from the worker'));
    backend.write(batch);
    if (workerData.end === 'close') await backend.close();
    else setInterval(() => {}, 1000);
    parentPort.postMessage('written');
  })();
`;

/** Resolves with the last batch that the killed process had told. */
async function killWhileWriting(stateDir: string, afterMs: number): Promise<number> {
  const child = spawn(process.execPath, [childScript, stateDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await once(child, 'close');
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return Number(lines.at(-1));
}

function applyToModel(number: number, model: Map<string, string>): void {
  applyBatch(number, {
    put: (name, value) => void model.set(name, value),
    delete: (name) => void model.delete(name),
    deleteRange: (from, to) => {
      for (const name of [...model.keys()]) if (name >= from && name < to) model.delete(name);
    },
  });
}
