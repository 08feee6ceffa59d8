import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { healthReporter } from '../../../../connectors/observability/health-checks.ts';
import { diskCheck, memoryCheck, resourceChecks } from '../../../../connectors/observability/resource-checks.ts';

const FOLDER_TO_BE = join(tmpdir(), 'not', 'made', 'yet');

describe('resource checks', () => {
  it('pass on a machine with room, also before the folder exists', async () => {
    const checks = resourceChecks({ dataDir: FOLDER_TO_BE, minFreeDiskBytes: 1, maxMemoryPercent: 99 });
    expect(await healthReporter(checks)()).toMatchObject({ status: 'UP' });
  });

  it('fail on a disk with less room than asked for', async () => {
    await expect(diskCheck(FOLDER_TO_BE, 2 ** 60)()).rejects.toThrow(/^Only \d+ MiB are free on the disk/);
  });

  it('fail on too much of any limit of memory', () => {
    const use = (usedBytes: number) => [
      { what: 'memory of the process', usedBytes: 1, limitBytes: 100 },
      { what: 'JavaScript heap', usedBytes, limitBytes: 100 },
    ];
    expect(memoryCheck(90, () => use(90))).not.toThrow();
    expect(memoryCheck(90, () => use(91))).toThrow('JavaScript heap');
    expect(memoryCheck(90)).not.toThrow();
  });
});
