import { describe, expect, it } from 'vitest';
import { MemoryBackendFactory } from '../../../../../state/memory-backend.ts';
import { StateCorruptedError, StateLockedError } from '../../../../../streams/errors.ts';
import type { StateBackend } from '../../../../../streams/ports.ts';
import {
  ProcessDiedError,
  SimulatedDisk,
  type DiskMount,
} from '../../../../../streams/testing/simulation/simulated-disk.ts';

const KEY = Buffer.from('key');

const put = (backend: StateBackend, value: string): void => {
  const batch = backend.batch();
  batch.put(backend.keySpace('store'), KEY, Buffer.from(value));
  backend.write(batch);
};

const held = (backend: StateBackend): string | undefined => {
  const value = backend.keySpace('store').get(KEY);
  return value && Buffer.from(value).toString();
};

const start = () => {
  const disk = new SimulatedDisk(() => new MemoryBackendFactory());
  const events: string[] = [];
  let dieAt = '';
  const mount = (): DiskMount => {
    const mounted: DiskMount = disk.mount({
      onWrite: (phase) => {
        if (phase !== dieAt) return;
        mounted.kill();
        throw new ProcessDiedError('died');
      },
      onRelease: (taskId, backend) => events.push(`${taskId} released with ${held(backend)}`),
      onWaste: (taskId) => events.push(`${taskId} wasted`),
    });
    return mounted;
  };
  return { disk, mount, events, dieAt: (phase: 'before' | 'after') => (dieAt = phase) };
};

describe('SimulatedDisk', () => {
  it.each([
    ['before', 'first'],
    ['after', 'second'],
  ] as const)('keeps what was written when its process dies %s a write', async (phase, kept) => {
    const { mount, events, dieAt } = start();
    const backend = await mount().open('0_0');
    put(backend, 'first');
    dieAt(phase);
    expect(() => put(backend, 'second')).toThrow(ProcessDiedError);
    expect(() => put(backend, 'third')).toThrow();
    await backend.close();
    expect(events).toEqual([`0_0 released with ${kept}`]);
    expect(held(await mount().open('0_0'))).toBe(kept);
  });

  it('answers a dead process nothing any more', async () => {
    const { mount } = start();
    const dead = mount();
    dead.kill();
    const answered = await Promise.race([dead.open('0_0'), dead.list(), Promise.resolve('no answer')]);
    expect(answered).toBe('no answer');
  });

  it('opens a state once at a time', async () => {
    const { mount } = start();
    const mounted = mount();
    await mounted.open('0_0');
    await expect(mounted.open('0_0')).rejects.toThrow(StateLockedError);
  });

  it('refuses a damaged state until it is destroyed, and tells when a whole one is thrown away', async () => {
    const { disk, mount, events } = start();
    const mounted = mount();
    const backend = await mounted.open('0_0');
    disk.damage('0_0');
    expect(() => backend.wipe()).toThrow(StateCorruptedError);
    await backend.close();
    await expect(mounted.open('0_0')).rejects.toThrow(StateCorruptedError);
    await mounted.destroy('0_0');
    expect(held(await mounted.open('0_0'))).toBeUndefined();
    expect(events).not.toContain('0_0 wasted');
    (await mounted.open('0_1')).wipe();
    expect(events.at(-1)).toBe('0_1 wasted');
  });

  it('is empty after it was lost', async () => {
    const { disk, mount } = start();
    const first = mount();
    put(await first.open('0_0'), 'value');
    first.kill();
    disk.lose();
    expect(await mount().list()).toEqual([]);
  });
});
