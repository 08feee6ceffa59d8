/**
 * The local stack on its real services: two of them side by side, ended by Ctrl-C and by SIGKILL, started again on the same
 * data, and begun anew.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Addresses } from '../../../infra/local-stack/settings.ts';
import { settingsOnFreePorts } from '../../support/services-setup.ts';
import { areGone, StackProcess, store, stored } from '../../support/stack-process.ts';

const nothing = { topics: [], subjects: [], rows: [] };
const things = { topics: ['kept'], subjects: ['kept'], rows: ['kept'] };

describe('a local stack', () => {
  let folder: string;
  let settings: { one: Awaited<ReturnType<typeof settingsOnFreePorts>>; two: typeof settings.one };
  let one: StackProcess;
  let two: StackProcess;
  let addresses: { one: Addresses; two: Addresses };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alerts-stack-test-'));
    settings = {
      one: await settingsOnFreePorts({}, join(folder, 'one')),
      two: await settingsOnFreePorts({}, join(folder, 'two')),
    };
    one = new StackProcess(settings.one);
    two = new StackProcess(settings.two);
    addresses = { one: await one.untilReady(), two: await two.untilReady() };
  });

  afterAll(async () => {
    await one.end();
    await two.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('[INV-INFRA-SIDE-BY-SIDE] runs beside another one, and each has its own data', async () => {
    await store(addresses.one, 'kept');
    expect(await stored(addresses.one)).toEqual(things);
    expect(await stored(addresses.two)).toEqual(nothing);
  });

  it('[INV-INFRA-ONE-STACK] is not started twice on one data folder', async () => {
    const again = new StackProcess(settings.one);
    expect(await again.ends()).toBe(1);
    expect(again.output).toMatch(/A stack runs on .*one already \(process \d+\): stop it with Ctrl-C, or set DATA_DIR/);
  });

  it('[INV-INFRA-PORTS] is not started on the ports of another one', async () => {
    const third = new StackProcess({ ports: settings.two.ports, dataDir: join(folder, 'three') });
    expect(await third.ends()).toBe(1);
    expect(third.output).toMatch(
      /^Ports \d+ \(kafka\), \d+ \(registry\), \d+ \(mysql\) on 127\.0\.0\.1 are in use by /m,
    );
    expect(third.output).toMatch(/set KAFKA_PORT=\d+ REGISTRY_PORT=\d+ MYSQL_PORT=\d+/);
  });

  it('[INV-INFRA-STOP] ends with everything it started when it is told to', async () => {
    const { processes } = two;
    expect(processes.map(({ name }) => name).sort()).toEqual(['kafka', 'mysql', 'registry']);
    expect(await two.stop('SIGINT')).toBe(0);
    expect(await areGone(processes)).toBe(true);
    expect(two.processes).toEqual([]);
  });

  it('[INV-INFRA-DATA] [INV-INFRA-LEFTOVERS] finds its data after it was killed, and ends what was left', async () => {
    const { processes } = one;
    await one.stop('SIGKILL');
    expect(await areGone(processes.slice(0, 1))).toBe(false);

    one = new StackProcess(settings.one);
    const found = await one.untilReady();
    expect(one.output).toMatch(/^Stopped what an earlier start left running: .*kafka/m);
    expect(await areGone(processes)).toBe(true);
    expect(found).toEqual(addresses.one);
    expect(await stored(found)).toEqual(things);
  });

  it('[INV-INFRA-FRESH] begins without data when it is told to', async () => {
    expect(await one.stop('SIGTERM')).toBe(0);
    one = new StackProcess(settings.one, '--fresh');
    expect(await stored(await one.untilReady())).toEqual(nothing);
  });
});
