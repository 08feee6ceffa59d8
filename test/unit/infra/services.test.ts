/** Where services come from: given addresses, then Docker, then binaries. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  composeProject,
  dockerComposeAnswers,
  dockerEngineAnswers,
  startComposeServices,
} from '../../../infra/local-stack/docker-services.ts';
import { silentReporter } from '../../../infra/local-stack/report.ts';
import { chooseSources } from '../../../infra/local-stack/services.ts';
import { readSettings } from '../../../infra/local-stack/settings.ts';

const refuse = async (): Promise<boolean> => Promise.reject(new Error('Docker was asked for nothing.'));

describe('[INV-INFRA-ORDER] a service', () => {
  it('is taken from outside when its address is given, and then Docker is not even asked', async () => {
    const given = { kafka: 'a:1', registry: 'http://b', mysql: 'mysql://c' };
    expect(await chooseSources(given, refuse)).toEqual({ kafka: 'given', registry: 'given', mysql: 'given' });
  });

  it('comes from Docker where an engine answers, else from binaries; each service by itself', async () => {
    const given = { kafka: 'a:1' };
    const docker = { kafka: 'given', registry: 'docker', mysql: 'docker' };
    const binaries = { kafka: 'given', registry: 'binaries', mysql: 'binaries' };
    expect(await chooseSources(given, async () => true)).toEqual(docker);
    expect(await chooseSources(given, async () => false)).toEqual(binaries);
  });
});

describe('Docker', () => {
  const signal = AbortSignal.timeout(25_000);
  let folder: string;
  let environment: Record<string, string | undefined>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'alerts-docker-'));
    environment = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const installDocker = (...lines: string[]): void =>
    writeFileSync(join(folder, 'docker'), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });

  it('counts only when its engine answers; a client alone does not', async () => {
    installDocker('[ "$1" = info ] && exit 1', 'exit 0');
    expect(await dockerEngineAnswers(environment, signal)).toBe(false);
    installDocker('exit 0');
    expect(await dockerEngineAnswers(environment, signal)).toBe(true);
    expect(await dockerEngineAnswers({ PATH: join(folder, 'nothing') }, signal)).toBe(false);
  });

  it('counts for a stack only when compose is there too', async () => {
    installDocker('[ "$1" = compose ] && exit 1', 'exit 0');
    expect(await dockerComposeAnswers(environment, signal)).toBe(false);
    installDocker('exit 0');
    expect(await dockerComposeAnswers(environment, signal)).toBe(true);
  });

  it('does not hold up a start when it hangs', async () => {
    installDocker('sleep 60');
    const began = performance.now();
    expect(await dockerComposeAnswers(environment, signal)).toBe(false);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  const options = (fresh: boolean) => ({
    settings: readSettings({ KAFKA_PORT: '19092', DATA_DIR: join(folder, 'data') }, folder),
    environment,
    services: ['kafka', 'mysql'] as const,
    fresh,
    reporter: silentReporter,
    signal,
  });

  it('starts only what is wanted, on the ports of the stack, and waits until it is healthy', async () => {
    const calls = join(folder, 'calls');
    installDocker(`echo "$KAFKA_PORT $@" >> '${calls}'`);
    const services = await startComposeServices(options(true));
    await services.stop();
    const project = composeProject(join(folder, 'data'));
    const ended = readFileSync(calls, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(`--project-name ${project} `)[1]);
    expect(ended).toEqual(['down --volumes', 'up --detach --wait kafka mysql', 'down']);
    expect(readFileSync(calls, 'utf8')).toMatch(/^19092 compose --file \S+docker-compose\.yml /);
  });

  it('passes on why the containers did not start', async () => {
    installDocker('echo "port is already allocated" >&2', 'exit 1');
    await expect(startComposeServices(options(false))).rejects.toThrow(
      /^Docker compose could not start kafka, mysql; .*KAFKA_PORT, MYSQL_PORT\)\.\nport is already allocated$/,
    );
  });

  it('keeps the containers of two data folders apart', () => {
    expect(composeProject('/one/.data')).not.toBe(composeProject('/two/.data'));
    expect(composeProject('/one/My Data!')).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
  });
});
