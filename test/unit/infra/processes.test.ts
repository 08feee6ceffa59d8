/** Processes are kept running, ended with all they started, and never taken for others. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../infra/local-stack/child-process.ts';
import { Closers } from '../../../infra/local-stack/closers.ts';
import { lastLines, startLogFile } from '../../../infra/local-stack/log-file.ts';
import { identify, isAlive } from '../../../infra/local-stack/process-identity.ts';
import type { Reporter } from '../../../infra/local-stack/report.ts';
import { restartDelayMs, SupervisedProcess } from '../../../infra/local-stack/supervised-process.ts';
import { waitUntil } from '../../../infra/local-stack/wait.ts';

const signal = AbortSignal.timeout(60_000);
const said: string[] = [];
const reporter: Reporter = { line: (text) => void said.push(text), progress: () => {} };
let folder: string;

beforeEach(() => {
  said.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'alerts-process-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface ScriptOptions {
  readonly isReady?: () => Promise<boolean>;
  readonly readyTimeoutMs?: number;
}

function supervise(script: string, options: ScriptOptions = {}): SupervisedProcess {
  return new SupervisedProcess(
    {
      name: 'example',
      address: 'nowhere',
      command: { command: 'sh', args: ['-c', script], cwd: folder },
      logFile: join(folder, 'example.log'),
      isReady: options.isReady ?? (async () => true),
      readyTimeoutMs: options.readyTimeoutMs ?? 10_000,
      stopTimeoutMs: 500,
    },
    reporter,
    () => {},
  );
}

const until = (isTrue: () => boolean): Promise<boolean> =>
  waitUntil(isTrue, { timeoutMs: 15_000, everyMs: 20, signal });

describe('a supervised process', () => {
  it('[INV-INFRA-RESTART] is started again after a crash, and says so', async () => {
    const example = supervise('echo started; exec sleep 60');
    await example.launch();
    await example.becomesReady('fail', signal);
    const first = example.identity?.pid ?? 0;
    process.kill(first, 'SIGKILL');
    expect(await until(() => example.state === 'ready' && example.identity?.pid !== first)).toBe(true);
    expect(said[0]).toMatch(/^example was ended by SIGKILL; starting it again in 0\.5 s \(see .*example\.log\)$/);
    expect(said[1]).toBe('example runs again');
    const starts = (): number => readFileSync(join(folder, 'example.log'), 'utf8').match(/^started$/gm)?.length ?? 0;
    expect(await until(() => starts() === 2)).toBe(true);
    await example.stop();
    expect(example.state).toBe('stopped');
  });

  it('waits longer after each crash, up to half a minute', () => {
    expect([1, 2, 3, 4].map(restartDelayMs)).toEqual([500, 1_000, 2_000, 4_000]);
    expect([7, 8, 1_000_000].map(restartDelayMs)).toEqual([30_000, 30_000, 30_000]);
  });

  it('that crashes before it works fails its start with the end of its log', async () => {
    const example = supervise('echo no licence; exit 3', { isReady: async () => false });
    await example.launch();
    await expect(example.becomesReady('fail', signal)).rejects.toThrow(
      /^example ended with code 3; [^\n]*\nThe end of .*example\.log:\n[^]* {4}no licence/,
    );
    await example.stop();
  });

  it('that does not become ready in time fails its start', async () => {
    const example = supervise('exec sleep 60', { isReady: async () => false, readyTimeoutMs: 300 });
    await example.launch();
    await expect(example.becomesReady('restart', signal)).rejects.toThrow(/did not become ready within 0\.3 s/);
    await example.stop();
  });

  it('[INV-INFRA-STOP] is ended with all it started, also when it does not listen', async () => {
    const example = supervise(`trap '' TERM; sleep 60 & echo $! > inner; while true; do sleep 1; done`);
    await example.launch();
    expect(await until(() => lastLines(join(folder, 'inner'), 1).length === 1)).toBe(true);
    const inner = Number(lastLines(join(folder, 'inner'), 1)[0]);
    await example.stop();
    expect(await until(() => identify(inner) === undefined)).toBe(true);
  });

  it('is not started again when it is stopped during the wait before a restart', async () => {
    const example = supervise('exit 1');
    await example.launch();
    expect(await until(() => example.state === 'restarting')).toBe(true);
    await example.stop();
    const before = readFileSync(join(folder, 'example.log'), 'utf8');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(readFileSync(join(folder, 'example.log'), 'utf8')).toBe(before);
  });
});

describe('a command', () => {
  it('is ended with all it started when its time is over', async () => {
    const command = { command: 'sh', args: ['-c', 'sleep 60 & echo $!; wait'], cwd: folder };
    const outcome = await runCommand(command, { timeoutMs: 300, signal });
    expect(outcome).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
    expect(await until(() => identify(Number(outcome.output)) === undefined)).toBe(true);
  });

  it('is ended when the stack stops', async () => {
    const stop = new AbortController();
    const running = runCommand(
      { command: 'sleep', args: ['60'], cwd: folder },
      { timeoutMs: 60_000, signal: stop.signal },
    );
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });
});

describe('the identity of a process', () => {
  it('[INV-INFRA-IDENTITY] is not that of another process with the same id', () => {
    const own = identify(process.pid);
    expect(own && isAlive(own)).toBe(true);
    expect(isAlive({ pid: process.pid, startedAt: 'at another time' })).toBe(false);
  });

  it('ends with the process', async () => {
    const child = spawn('sleep', ['60']);
    const identity = identify(child.pid ?? 0);
    expect(identity && isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(identity && isAlive(identity)).toBe(false);
  });
});

describe('what has to be ended', () => {
  it('[INV-INFRA-STOP] is ended once, last started first, also behind a failure', async () => {
    const ended: string[] = [];
    const closers = new Closers(reporter);
    closers.add('kafka', () => void ended.push('kafka'));
    closers.add('mysql', () => Promise.reject(new Error('it hangs')));
    closers.add('gateway', async () => void ended.push('gateway'));
    await closers.closeAll();
    await closers.closeAll();
    expect(ended).toEqual(['gateway', 'kafka']);
    expect(said).toEqual(['mysql could not be stopped: it hangs']);
  });
});

describe('a log file', () => {
  it('keeps the run before beside it, and gives its last lines', () => {
    const path = join(folder, 'a.log');
    writeFileSync(path, Array.from({ length: 5_000 }, (_, index) => `line ${index}\n`).join(''));
    expect(lastLines(path, 2)).toEqual(['line 4998', 'line 4999']);
    startLogFile(path);
    expect(lastLines(path, 2)).toEqual([]);
    expect(lastLines(`${path}.old`, 1)).toEqual(['line 4999']);
  });
});
