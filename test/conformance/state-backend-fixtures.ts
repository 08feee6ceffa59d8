/**
 * The state backends that the conformance suites run on, each on a place of its own that is removed afterwards.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import type { StateBackend, StateBackendFactory } from '../../streams/ports.ts';

export interface BackendFixture {
  readonly factory: StateBackendFactory;
  /** Ends the use of an open backend as a dying process would, as far as that can be had within this process. */
  crash(taskId: string, backend: StateBackend): Promise<void>;
  dispose(): Promise<void>;
}

export interface BackendKind {
  readonly name: string;
  /** How many random runs it can afford. */
  readonly runs: number;
  fixture(): Promise<BackendFixture>;
}

export const memoryKind: BackendKind = {
  name: 'in memory',
  runs: 400,
  fixture: async () => {
    const factory = new MemoryBackendFactory();
    return {
      factory,
      crash: async (taskId) => factory.crash(taskId),
      dispose: async () => undefined,
    };
  },
};

export const rocksDbKind: BackendKind = {
  name: 'RocksDB',
  runs: 25,
  fixture: async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'state-conformance-'));
    return {
      factory: new RocksDbBackendFactory({ stateDir, budgetBytes: 16 * 1024 * 1024, maxTasks: 2 }),
      // Closing writes nothing that was not written before; a real kill is in the RocksDB suite.
      crash: (_taskId, backend) => backend.close(),
      dispose: () => rm(stateDir, { recursive: true, force: true }),
    };
  },
};

export const backendKinds = [memoryKind, rocksDbKind];
