/**
 * What can happen to the state directory of a processor: it is full, a file in it is damaged, another process has it. Each costs
 * what it must and no more, is said in clear words, and loses or repeats nothing.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { logLines, type LogLine } from './support/alert-app.ts';
import { AuditedSystem } from './support/audited-system.ts';
import type { ControlledProcess } from './support/controlled-process.ts';
import { progressSince } from './support/progress.ts';
import { Random, seedFrom } from './support/random.ts';
import { SmallDisk } from './support/small-disk.ts';

const TASKS = ['0_0', '0_1', '0_2', '0_3'];
/** Of a task whose state is in use elsewhere, before the thread stops; and then some. */
const LOCK_TIMEOUT_MS = 30_000;
/** RocksDB reserves some megabytes for each task before anything is written. */
const DISK_BYTES = 256 * 1024 * 1024;

const seed = seedFrom(process.env);
const random = new Random(seed);
const say = progressSince(Date.now(), 'state directory');

/** What a processor has said since, and how it stands. */
class Watched {
  readonly processor: ControlledProcess;
  #from = 0;

  constructor(processor: ControlledProcess) {
    this.processor = processor;
  }

  mark(): void {
    this.#from = statSync(this.processor.spec.logFile).size;
  }

  async lines(): Promise<LogLine[]> {
    return logLines(this.processor, this.#from);
  }

  async says(part: RegExp, timeoutMs: number): Promise<LogLine> {
    for (const deadline = Date.now() + timeoutMs; ; await sleep(200)) {
      const found = (await this.lines()).find(({ message }) => part.test(message));
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw this.processor.failure(`has not said ${part.source}`);
    }
  }
}

describe('the state directory of a processor', () => {
  const disk = SmallDisk.mount(DISK_BYTES);
  let system: AuditedSystem;
  let watched: Watched;
  let loads = 0;

  beforeAll(async () => {
    say(`seed ${seed} (FAULTS_SEED=${seed} repeats it)`);
    system = await AuditedSystem.start({
      processors: 1,
      dataDirOf: () => disk.folder,
      // Small memtables, so that there are files to damage and a disk to fill in the time of a test.
      processorEnvironment: { STATE_BUDGET_BYTES: String(64 * 1024 * 1024), STREAMS_APPLICATIONS: 'alerts' },
    });
    watched = new Watched(system.app.processors[0] as ControlledProcess);
    say('everything is ready');
  });

  afterAll(async () => {
    await system?.stop();
    disk.unmount();
  });

  const underLoad = async (forMs: number): Promise<void> => {
    const load = system.startLoad(random.derive(++loads));
    await sleep(forMs);
    await load.stop();
  };

  /** The tasks that the processor has restored since the mark, with all that it read for them: one may move to another thread. */
  const restored = async (): Promise<Map<string, number>> => {
    const records = new Map<string, number>();
    for (const line of await watched.lines()) {
      if (!/^Task \S+ restored$/.test(line.message)) continue;
      const taskId = line['taskId'] as string;
      records.set(taskId, (records.get(taskId) ?? 0) + (line['records'] as number));
    }
    return records;
  };

  const filesOf = (taskId: string, ending: string): string[] => {
    const folder = system.app.stateOf(0, taskId);
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .map((name) => join(folder, name));
  };

  /** Writes noise over the middle of a file. */
  const damage = (file: string): void => {
    const { size } = statSync(file);
    const noise = randomBytes(Math.max(16, Math.floor(size / 2)));
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, noise, 0, noise.length, Math.floor(size / 4));
    closeSync(descriptor);
  };

  test.each([
    { what: 'a table file with noise in it', ending: '.sst', harm: damage },
    { what: 'a table file that is gone', ending: '.sst', harm: (file: string) => rmSync(file) },
    { what: 'a CURRENT file that is gone', ending: 'CURRENT', harm: (file: string) => rmSync(file) },
  ])('$what costs that task a rebuild and the others nothing [INV-REBUILD-ALONE]', async ({ what, ending, harm }) => {
    await underLoad(5_000);
    const { processor } = watched;
    // Twice, because opening after a crash turns the write-ahead log into tables.
    await processor.kill();
    await processor.start();
    await system.app.ready();
    await processor.kill();
    const victim = random.pick(TASKS);
    const files = filesOf(victim, ending);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) harm(file);
    watched.mark();
    await processor.start();
    await underLoad(6_000);
    const line = await watched.says(/is damaged|cannot catch up|failed and starts again/, 60_000);
    const rebuilt = (await watched.lines())
      .filter(({ level }) => level === 'error' || level === 'warn')
      .flatMap((said) => (typeof said['taskId'] === 'string' ? [said['taskId']] : []));
    expect(new Set(rebuilt)).toEqual(new Set([victim]));
    const { alerts, events } = await system.audit();
    const records = await restored();
    say(`${what}: "${line.message}"; restored ${[...records].map(([task, count]) => `${task}: ${count}`).join(', ')}`);
    say(`holds with ${alerts} alerts, ${events} events since the start`);
    for (const task of TASKS.filter((other) => other !== victim)) {
      expect(records.get(task)).toBeLessThan(records.get(victim) as number);
    }
    expect(system.ownExits).toEqual([]);
  });

  test('that another process has stops the processor with a sentence about it, and the other tasks run until then [INV-STATE-LOCKED]', async () => {
    const { processor } = watched;
    await processor.kill();
    const victim = random.pick(TASKS);
    const stateDir = join(system.app.stateOf(0, victim), '..');
    const holder = await new RocksDbBackendFactory({ stateDir }).open(victim);
    const exits = processor.ownExits.length;
    watched.mark();
    await processor.start();
    const began = Date.now();
    const load = system.startLoad(random.derive(++loads), { throughGateway: 0 });
    await watched.says(/could not be opened; trying again/, 60_000);
    await sleep(5_000);
    await system.auditor.read();
    const partitions = new Set(
      system.auditor.events.filter(({ appendedMs }) => appendedMs > began).map(({ partition }) => `0_${partition}`),
    );
    expect([...partitions].sort()).toEqual(TASKS.filter((task) => task !== victim));
    while (processor.ownExits.length === exits && Date.now() < began + LOCK_TIMEOUT_MS + 60_000) await sleep(200);
    expect(processor.ownExits.slice(exits)).toEqual(['ended with code 1']);
    const { message } = await watched.says(/is in use, by another process/, 1_000);
    say(`locked: after ${Date.now() - began} ms the processor ends: "${message}"`);
    await holder.close();
    await load.stop();
    const { alerts, events } = await system.audit();
    say(`holds with ${alerts} alerts, ${events} events since the start`);
  });

  test('that is full stops the processor with a sentence about it, and once there is room it goes on where it was [INV-STATE-FULL]', async (context) => {
    if (!disk.isMounted) context.skip(`no small disk can be had here: ${disk.whyNot}`);
    const ballast = join(disk.folder, 'ballast');
    onTestFinished(() => rmSync(ballast, { force: true }));
    const { processor } = watched;
    const exits = processor.ownExits.length;
    watched.mark();
    const load = system.startLoad(random.derive(++loads));
    await sleep(3_000);
    disk.fill(ballast);
    const filledMs = Date.now();
    while (processor.ownExits.length === exits && Date.now() < filledMs + 120_000) await sleep(100);
    expect(processor.ownExits.slice(exits)).toContain('ended with code 1');
    const { message } = await watched.says(/See to the disk's space/, 1_000);
    say(`full: ${Date.now() - filledMs} ms later the processor ends: "${message}"`);
    await sleep(5_000);
    rmSync(ballast);
    await sleep(3_000);
    await load.stop();
    const { alerts, events } = await system.audit();
    const records = [...(await restored())].map(([task, count]) => `${task}: ${count}`).join(', ');
    say(`holds with ${alerts} alerts, ${events} events since the start; restored ${records}`);
  });
});
