/**
 * A process that writes numbered batches to a RocksDB state until it is killed, and tells each on its output after the write.
 * The parent works out from a number what the state must be: see `applyBatch`.
 */
import { pathToFileURL } from 'node:url';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';

export const CRASH_TASK = '0_0';
export const crashChangelog = { topic: 'crash-changelog', partition: 0 };

export interface BatchTarget {
  put(key: string, value: string): void;
  delete(key: string): void;
  deleteRange(from: string, to: string): void;
}

const keyOf = (number: number): string => `k${String(number % 500).padStart(3, '0')}`;

/** The changes of batch `number`, among them ranges that are deleted and partly written again. */
export function applyBatch(number: number, target: BatchTarget): void {
  for (let index = 0; index < 20; index += 1) target.put(keyOf(number * 7 + index * 13), `${number}:${index}`);
  target.delete(keyOf(number * 3));
  if (number % 3 === 0) {
    target.deleteRange(keyOf(number), keyOf(number + 40));
    target.put(keyOf(number + 5), `${number}:again`);
  }
  target.put('first', String(number));
  target.put('last', String(number));
}

async function writeUntilKilled(stateDir: string): Promise<void> {
  const factory = new RocksDbBackendFactory({ stateDir, budgetBytes: 4 * 1024 * 1024, maxTasks: 1 });
  const backend = await factory.open(CRASH_TASK);
  const space = backend.keySpace('store');
  for (let number = (backend.position(crashChangelog) ?? 0) + 1; ; number += 1) {
    const batch = backend.batch();
    applyBatch(number, {
      put: (key, value) => batch.put(space, Buffer.from(key), Buffer.from(value)),
      delete: (key) => batch.delete(space, Buffer.from(key)),
      deleteRange: (from, to) => batch.deleteRange(space, Buffer.from(from), Buffer.from(to)),
    });
    batch.setPosition(crashChangelog, number);
    backend.write(batch);
    // The pipe is flushed between the batches, so what is told was written.
    await new Promise((resolve) => process.stdout.write(`${number}\n`, resolve));
  }
}

const [, script, stateDir] = process.argv;
if (script !== undefined && import.meta.url === pathToFileURL(script).href && stateDir !== undefined) {
  await writeUntilKilled(stateDir);
}
