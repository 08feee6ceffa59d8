/** Downloads show that they move, happen once, and leave nothing half done. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureArtefact } from '../../../infra/local-stack/artefact-cache.ts';
import { describeDownload, MavenOutput } from '../../../infra/local-stack/maven-progress.ts';
import { explainFailure } from '../../../infra/local-stack/maven.ts';
import { silentReporter } from '../../../infra/local-stack/report.ts';

const printed = [
  'Downloading from central: https://example.org/a/kafka.pom\n',
  'Progress (1): 4.1/18 kB\rProgress (1): 18 kB    \r                    \r',
  'Downloaded from central: https://example.org/a/kafka.pom (18 kB at 29 kB/s)\n',
  'Downloading from central: https://example.org/a/kafka.jar\n',
  'Progress (1): 12/139 MB\r',
].join('');

describe('what Maven prints', () => {
  it('is counted alike however it is cut into pieces', () => {
    const whole = new MavenOutput();
    whole.feed(printed);
    expect(whole.progress).toEqual({ files: 1, bytes: 18_000, current: 'kafka.jar', underWay: '12/139 MB' });
    const cuts = fc.array(fc.integer({ min: 0, max: printed.length }), { maxLength: 20 });
    fc.assert(
      fc.property(cuts, (unordered) => {
        const pieces = new MavenOutput();
        const places = [0, ...unordered.toSorted((a, b) => a - b), printed.length];
        for (const [index, place] of places.entries()) pieces.feed(printed.slice(places[index - 1] ?? 0, place));
        expect(pieces.progress).toEqual(whole.progress);
      }),
    );
  });

  it('becomes one line that grows', () => {
    const progress = { files: 31, bytes: 84_400_000, current: 'registry.tar.gz', underWay: '12/139 MB' };
    expect(describeDownload('Kafka', progress)).toBe('Downloading Kafka: 31 files, 84.4 MB; registry.tar.gz 12/139 MB');
  });

  it('explains a failure by its first error, without colours', () => {
    const output = '[\u001b[1;31mERROR\u001b[m] Could not transfer artifact\n[ERROR] more\n';
    expect(explainFailure('Kafka', output, false)).toMatch(
      /^Kafka could not be downloaded \(Could not transfer artifact\): /,
    );
    expect(explainFailure('Kafka', '', true)).toMatch(/took longer than 15 minutes/);
  });
});

describe('the cache of downloads', () => {
  const signal = AbortSignal.timeout(25_000);
  const path = process.env['PATH'];
  let folder: string;
  let cacheDir: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'alerts-cache-'));
    cacheDir = join(folder, 'cache');
    mkdirSync(join(folder, 'bin'));
  });
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true, force: true });
  });

  /** A Maven that notes each call and then runs these lines. */
  function installMaven(...lines: string[]): void {
    const script = ['#!/bin/sh', `echo call >> '${join(folder, 'calls')}'`, ...lines, ''].join('\n');
    writeFileSync(join(folder, 'bin/mvn'), script, { mode: 0o755 });
    process.env['PATH'] = `${join(folder, 'bin')}${delimiter}${path}`;
  }
  const calls = (): number => readFileSync(join(folder, 'calls'), 'utf8').split('call').length - 1;
  const ensureKafka = (): Promise<string> => ensureArtefact('kafka', { cacheDir, reporter: silentReporter, signal });

  it('[INV-INFRA-CACHE] downloads once when two starts want the same at the same time', async () => {
    installMaven('sleep 0.3', 'touch contents/kafka_2.13-4.3.0.jar');
    const folders = await Promise.all([ensureKafka(), ensureKafka()]);
    expect(folders).toEqual([join(cacheDir, 'kafka-4.3.0'), join(cacheDir, 'kafka-4.3.0')]);
    await ensureKafka();
    expect(calls()).toBe(1);
    expect(readdirSync(cacheDir)).toEqual(['kafka-4.3.0']);
  });

  it('[INV-INFRA-CACHE] gives no folder its name before it is complete', async () => {
    installMaven('touch contents/some-other.jar');
    await expect(ensureKafka()).rejects.toThrow(/lacks kafka_2\.13-4\.3\.0\.jar/);
    installMaven("echo '[ERROR] no route to host'", 'exit 1');
    await expect(ensureKafka()).rejects.toThrow(/Kafka 4\.3\.0 could not be downloaded \(no route to host\)/);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  it('clears away what a killed download left', async () => {
    mkdirSync(join(cacheDir, 'unfinished-abc'), { recursive: true });
    installMaven('touch contents/kafka_2.13-4.3.0.jar');
    await ensureKafka();
    expect(existsSync(join(cacheDir, 'unfinished-abc'))).toBe(false);
  });

  it('says what to do when Maven is missing', async () => {
    process.env['PATH'] = join(folder, 'bin');
    await expect(ensureKafka()).rejects.toThrow(
      /^Maven \(mvn\), which downloads Kafka 4\.3\.0, is missing: install it, /,
    );
  });
});
