/**
 * Every benchmark still runs: a tiny run of each through the command, on real services.
 *
 * What is checked is that it works and that outputs are what they must be, never how fast it was.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../../bench/throughput/compare.ts';
import { suite } from '../../../bench/suite/suite.ts';

const out = mkdtempSync(join(tmpdir(), 'bench-tiny-'));
const bench = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../../bench/run.ts'), ...args]);

let results: Record<string, unknown> = {};

beforeAll(async () => {
  await bench('--tiny', '--rounds', '1', '--peer', 'none', '--out', out);
  results = JSON.parse(readFileSync(join(out, 'latest.json'), 'utf8')) as Record<string, unknown>;
});

afterAll(() => rmSync(out, { recursive: true, force: true }));

describe('the benchmarks', () => {
  it.each(suite().map(({ name }) => name))('%s runs and keeps its result', (name) => {
    expect(results[name]).toMatchObject({
      date: expect.any(String) as string,
      machine: { cpus: expect.any(Number) as number },
    });
  });

  it('name the versions they were measured with', () => {
    expect(results['versions']).toMatchObject({ node: process.version, kafkajs: expect.any(String) as string });
  });

  it('put out the same events for the same alerts, whatever the number of threads and of drivers', () => {
    const { one, two } = results['threads'] as Record<string, Comparison>;
    expect(one).toMatchObject({ equalOutputs: true });
    expect(two?.ours?.events).toBe(one?.ours?.events);
    expect(two?.ours?.events).toBeGreaterThan(2_000);
  });

  it('see every offered alert arrive, as an event and as a row', () => {
    const { loads } = results['latency'] as { loads: { offered: number; event: object; row: object }[] };
    for (const { offered, event, row } of loads)
      expect([event, row]).toMatchObject([{ count: offered }, { count: offered }]);
  });

  it('are refused by a name that none of them has', async () => {
    await expect(bench('nonesuch')).rejects.toThrow(/no benchmark is named nonesuch/);
  });
});
