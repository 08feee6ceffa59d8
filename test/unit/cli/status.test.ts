import { describe, expect, it } from 'vitest';
import { ask, failedChecks } from '../../../cli/system/status.ts';

describe('a status', () => {
  it('is DOWN with the first line of whatever went wrong', async () => {
    expect(await ask('x', async () => '')).toMatchObject({ name: 'x', status: 'UP', problem: '' });
    expect(await ask('x', async () => 'late')).toMatchObject({ status: 'DOWN', problem: 'late' });
    expect(await ask('x', () => Promise.reject(new Error('away\nand more')))).toMatchObject({
      status: 'DOWN',
      problem: 'away',
    });
  });

  it('names the checks that a process reports as failed, in either of the forms', () => {
    const checks = {
      kafka: { status: 'UP' },
      tasks: { status: 'failed', error: 'restoring' },
      disk: { status: 'DOWN' },
    };
    expect(failedChecks(JSON.stringify({ checks }))).toBe('tasks: restoring; disk fails');
    expect(failedChecks(JSON.stringify({ checks: { a: { status: 'ok' } } }))).toBeUndefined();
    expect(failedChecks('<html>')).toBeUndefined();
  });
});
