/** The last line of `.ci/run` is the truth about the tests, and its exit code agrees with it. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../infra/local-stack/settings.ts';

const good = { status: 'passed', assertionResults: [{ status: 'passed' }] };
const bad = { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] };
const unloadable = { status: 'failed', assertionResults: [] };
const report = (numPassedTests: number, numFailedTests: number, success: boolean, testResults: object[]): string =>
  JSON.stringify({ numPassedTests, numFailedTests, success, testResults });

describe('[INV-INFRA-CI] .ci/run', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'alerts-ci-'));
    mkdirSync(join(folder, '.ci'));
    mkdirSync(join(folder, 'bin'));
    copyFileSync(join(projectRoot, '.ci/run'), join(folder, '.ci/run'));
    chmodSync(join(folder, '.ci/run'), 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it with an npm whose `ci` and `test` end with these codes, the latter after leaving this report. */
  function run(
    codes: { install: number; test: number },
    written?: string,
  ): { last: string | undefined; code: number | null } {
    const leave =
      written === undefined ? '' : `for last; do :; done; printf '%s' '${written}' > "\${last#--outputFile.json=}"`;
    const npm = [
      '#!/bin/sh',
      `[ "$1" = ci ] && exit ${codes.install}`,
      leave,
      'echo "9 passed, 0 failed"',
      `exit ${codes.test}`,
    ];
    writeFileSync(join(folder, 'bin/npm'), `${npm.join('\n')}\n`, { mode: 0o755 });
    const outcome = spawnSync(join(folder, '.ci/run'), {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}` },
    });
    return { last: outcome.stdout.trimEnd().split('\n').at(-1), code: outcome.status };
  }

  const well = { install: 0, test: 0 };

  it('passes when tests ran and none failed', () => {
    expect(run(well, report(12, 0, true, [good]))).toEqual({ last: '12 passed, 0 failed', code: 0 });
  });

  it('fails with the failed tests', () => {
    expect(run({ install: 0, test: 1 }, report(3, 2, false, [good, bad]))).toEqual({
      last: '3 passed, 2 failed',
      code: 1,
    });
  });

  it('fails when the report names failures, whatever the runner says', () => {
    expect(run(well, report(3, 2, false, [bad])).code).toBe(1);
  });

  it('counts a file that could not be loaded, and an error outside of tests, as failures', () => {
    expect(run({ install: 0, test: 1 }, report(3, 0, false, [good, unloadable])).last).toBe('3 passed, 1 failed');
    expect(run({ install: 0, test: 1 }, report(3, 0, false, [good])).last).toBe('3 passed, 1 failed');
  });

  it('fails when no test ran, the checks before them failed, or nothing could be installed', () => {
    const nothing = { last: '0 passed, 0 failed' };
    expect(run(well, report(0, 0, true, []))).toEqual({ ...nothing, code: 1 });
    expect(run(well)).toEqual({ ...nothing, code: 1 });
    expect(run({ install: 0, test: 2 })).toEqual({ ...nothing, code: 2 });
    expect(run({ install: 7, test: 0 })).toEqual({ ...nothing, code: 7 });
  });
});
