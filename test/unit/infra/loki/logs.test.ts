/** What Loki is asked, and whether the shipper makes of the lines what is asked for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@grafana/lezer-logql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createLogger } from '../../../../connectors/observability/pino-logger.ts';
import { projectRoot } from '../../../../infra/local-stack/settings.ts';
import { lifecycleLog } from '../../../../sink/lifecycle-log.ts';
import { lokiQueries } from '../../../support/grafana-queries.ts';
import { lifeOf } from '../../../support/sink-events.ts';

const text = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const alloy = text('infra/alloy/config.alloy');

/** As Grafana fills them in. */
const filled = (query: string): string =>
  query.replaceAll('$__auto', '1m').replaceAll('$service', '.+').replaceAll('$alert_id', 'alert-1');

const problemsOf = (query: string): string[] => {
  const problems: string[] = [];
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError) problems.push(`${query.slice(0, node.from)}⚠${query.slice(node.from)}`);
    },
  });
  return problems;
};

/** The names in a block of the shipper's configuration, such as `stage.labels`. */
const namesIn = (block: string): string[] => {
  const body = new RegExp(`${block.replace('.', '\\.')} \\{[^{]*\\{([^}]*)\\}`).exec(alloy)?.[1] ?? '';
  return [...body.matchAll(/^\s*(\w+)\s*=/gm)].map(([, name]) => name as string);
};

const lineOf = (write: (to: (line: string) => void) => void): Record<string, unknown> => {
  let written = '';
  write((line) => (written += line));
  expect(written.endsWith('\n') && written.indexOf('\n') === written.length - 1).toBe(true);
  return JSON.parse(written) as Record<string, unknown>;
};

const ordinary = lineOf((to) => createLogger({ service: 'sink', destination: { write: to } }).info('up', { error: 1 }));
const headers = [
  ['x-request-id', Buffer.from('r-1')],
  ['traceparent', Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00')],
] as const;
const [created] = lifeOf('alert-1', false);
const lifecycle = lineOf((write) => {
  if (created === undefined) throw new Error('no event');
  const record = { offset: 1, timestampMs: 0, key: null, value: null, headers };
  const at = { topic: 'events', partition: 0 };
  lifecycleLog({ service: 'sink', write, now: () => 1_000 }).applied(at, [{ record, event: created }], 990);
});

describe('the queries of the log dashboard', () => {
  it.each(lokiQueries())('are LogQL: $panel', ({ query }) => {
    expect(problemsOf(filled(query))).toEqual([]);
  });

  it('are there, and what is no LogQL is found', () => {
    expect(lokiQueries().length).toBeGreaterThan(5);
    expect(problemsOf('{service="sink"')).not.toEqual([]);
    expect(problemsOf('sum by level (count_over_time({a="b"}[1m]))')).not.toEqual([]);
  });

  it('select streams by labels that the shipper makes, which have few values', () => {
    const labels = namesIn('stage.labels');
    expect(labels).toEqual(['level', 'service', 'module']);
    const selected = lokiQueries().flatMap(({ query }) =>
      [...query.matchAll(/\{([^}]*)\}/g)].flatMap(([, selector = '']) =>
        [...selector.matchAll(/(\w+)\s*[=!]/g)].map(([, name]) => name as string),
      ),
    );
    expect(selected.length).toBeGreaterThan(5);
    expect(selected.filter((name) => !labels.includes(name))).toEqual([]);
  });
});

describe('the lines of the processes', () => {
  it('have what the shipper takes out of them', () => {
    expect(namesIn('stage.json')).toEqual(expect.arrayContaining(['timestamp', 'level', 'service', 'module']));
    for (const name of namesIn('stage.json')) expect(Object.keys(lifecycle)).toContain(name);
    for (const name of ['timestamp', ...namesIn('stage.labels')]) expect(Object.keys(ordinary)).toContain(name);
    for (const name of namesIn('stage.structured_metadata')) expect(namesIn('stage.json')).toContain(name);
  });

  it('[INV-LOG-LIFECYCLE] name the event, its alert and driver, and the request and trace it comes from', () => {
    expect(lifecycle).toMatchObject({
      ...{ level: 'info', service: 'sink', module: 'lifecycle', message: 'CREATED', event_type: 'CREATED' },
      ...{ alert_id: 'alert-1', event_id: 'alert-1:1', driver_id: created?.driverId },
      ...{ request_id: 'r-1', trace_id: '0af7651916cd43dd8448eb211c80319c', duration_ms: 10 },
    });
    expect(lifecycle).not.toHaveProperty('metadata');
  });
});

describe('the files beside it', () => {
  it('are YAML, with Loki on this machine alone', () => {
    const { services } = parse(text('infra/loki/compose.yaml')) as { services: Record<string, { ports?: string[] }> };
    for (const port of Object.values(services).flatMap(({ ports = [] }) => ports))
      expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(parse(text('infra/loki/loki.yaml'))).toMatchObject({ limits_config: { allow_structured_metadata: true } });
  });
});
