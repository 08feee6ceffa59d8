/** A data folder has one stack at a time, and only its own content is ever removed or ended. */
import { fork, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyDataDir, openDataDir } from '../../../infra/local-stack/data-dir.ts';
import { tryLock, waitForLock } from '../../../infra/local-stack/lock.ts';
import { identify, isAlive } from '../../../infra/local-stack/process-identity.ts';
import type { Reporter } from '../../../infra/local-stack/report.ts';
import { readStackRecord, writeStackRecord } from '../../../infra/local-stack/state-file.ts';

const signal = AbortSignal.timeout(60_000);
const said: string[] = [];
const reporter: Reporter = { line: (text) => void said.push(text), progress: () => {} };
let folder: string;

beforeEach(() => {
  said.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'alerts-data-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('[INV-INFRA-ONE-STACK] a data folder', () => {
  it('is refused to a second stack, with the way out, and free again afterwards', async () => {
    const lock = await openDataDir(folder, reporter, signal);
    await expect(openDataDir(folder, reporter, signal)).rejects.toThrow(
      `A stack runs on ${folder} already (process ${process.pid}): stop it with Ctrl-C, or set DATA_DIR`,
    );
    lock.release();
    (await openDataDir(folder, reporter, signal)).release();
  });

  it('is given to exactly one of many that want it after a killed one', async () => {
    const path = join(folder, 'stack.lock');
    writeFileSync(path, JSON.stringify({ pid: process.pid, startedAt: 'long ago' }));
    const script = join(folder, 'contender.mjs');
    const lockModule = new URL('../../../infra/local-stack/lock.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { tryLock } from '${lockModule}';
       process.on('message', () => void tryLock(process.argv[2]).then(({ held }) => process.send(held !== undefined)));
       process.send('here');`,
    );
    const contenders = Array.from({ length: 6 }, () => fork(script, [path], { execArgv: [] }));
    const answer = (index: number): Promise<unknown> =>
      new Promise((resolve) => contenders[index]?.once('message', resolve));
    await Promise.all(contenders.map((_, index) => answer(index)));
    const answers = contenders.map((_, index) => answer(index));
    for (const contender of contenders) contender.send('go');
    const held = await Promise.all(answers);
    for (const contender of contenders) contender.kill();
    expect(held.filter(Boolean)).toHaveLength(1);
  });

  it('can be waited for', async () => {
    const path = join(folder, 'wait.lock');
    const { held } = await tryLock(path);
    let asked = 0;
    const onWait = (): void => {
      asked += 1;
      held?.release();
    };
    const lock = await waitForLock(path, { timeoutMs: 5_000, signal, onWait });
    expect(asked).toBe(1);
    expect(lock).toBeDefined();
    expect(await waitForLock(path, { timeoutMs: 100, signal, onWait: () => {} })).toBeUndefined();
  });
});

describe('what a killed start left running', () => {
  it('[INV-INFRA-LEFTOVERS] is ended by the next start', async () => {
    const child = spawn('sleep', ['60'], { detached: true });
    const left = identify(child.pid ?? 0);
    if (left === undefined) throw new Error('The child did not start.');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    mkdirSync(folder, { recursive: true });
    writeStackRecord(folder, { processes: [{ name: 'kafka', ...left }] });
    const lock = await openDataDir(folder, reporter, signal);
    await ended;
    expect(isAlive(left)).toBe(false);
    expect(said).toEqual(['Stopped what an earlier start left running: kafka']);
    expect(readStackRecord(folder)).toBeUndefined();
    lock.release();
  });

  it('[INV-INFRA-IDENTITY] is not mistaken for a process that got its id', async () => {
    const child = spawn('sleep', ['60'], { detached: true });
    const other = identify(child.pid ?? 0);
    writeStackRecord(folder, { processes: [{ name: 'kafka', pid: child.pid ?? 0, startedAt: 'before' }] });
    (await openDataDir(folder, reporter, signal)).release();
    expect(other && isAlive(other)).toBe(true);
    child.kill('SIGKILL');
  });
});

describe('[INV-INFRA-FRESH] beginning anew', () => {
  it('removes the data of a stack, and keeps the folder usable', async () => {
    const lock = await openDataDir(folder, reporter, signal);
    mkdirSync(join(folder, 'kafka'));
    writeFileSync(join(folder, 'kafka/segment'), 'data');
    emptyDataDir(folder);
    expect(readdirSync(folder).sort()).toEqual(['alerts-stack', 'logs', 'stack.lock']);
    lock.release();
  });

  it('never empties a folder that holds files of others', async () => {
    writeFileSync(join(folder, 'thesis.txt'), 'ten years of work');
    const lock = await openDataDir(folder, reporter, signal);
    expect(() => emptyDataDir(folder)).toThrow(/holds files that no stack made, so --fresh does not empty it/);
    expect(existsSync(join(folder, 'thesis.txt'))).toBe(true);
    lock.release();
  });
});
