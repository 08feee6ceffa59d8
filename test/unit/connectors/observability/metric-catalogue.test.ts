import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../../connectors/observability/metric-catalogue.ts';
import { PrometheusMetrics } from '../../../../connectors/observability/prometheus-metrics.ts';
import { metricsDocument } from '../../../support/metrics-table.ts';

const root = join(import.meta.dirname, '../../../..');
const SOURCES = [
  'streams',
  'state',
  'processors',
  'topologies',
  'connectors',
  'sink',
  'notifications',
  'gateway',
  'bin',
];
const entries = METRICS.flatMap(({ metrics }) => metrics);

/** Every name that the code gives a metric, as Prometheus sees it. */
async function namesInCode(): Promise<Set<string>> {
  const metrics = new PrometheusMetrics();
  const found = new Set<string>();
  for (const folder of SOURCES) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.startsWith('testing/')) continue;
      const text = readFileSync(join(root, folder, file), 'utf8');
      for (const [, kind, name] of text.matchAll(/\.(counter|gauge|histogram)\(\s*'(\w+)'/g)) {
        if (kind === 'counter') metrics.counter(name as string);
        else if (kind === 'gauge') metrics.gauge(name as string);
        else metrics.histogram(name as string);
      }
      for (const [, , name] of text.matchAll(/(\bgauge\(|\bname: )'([a-z]+_[a-z_]+)'[,)]/g)) found.add(name as string);
      if (text.includes('gauge(`stream_state_')) for (const name of ROCKSDB) found.add(`stream_state_${name}`);
    }
  }
  for (const { name } of (await metrics.snapshot()) as { name: string }[]) found.add(name);
  return found;
}

const ROCKSDB = [...readFileSync(join(root, 'state/rocksdb-backend.ts'), 'utf8').matchAll(/(\w+): .*'rocksdb\./g)].map(
  ([, name]) => name,
);

describe('the catalogue of metrics', () => {
  it('[INV-METRIC-CATALOGUE] holds every metric of the code and no other, each once', async () => {
    const names = entries.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.toSorted(), 'connectors/observability/metric-catalogue.ts').toEqual(
      [...(await namesInCode())].toSorted(),
    );
  });

  it('[INV-METRIC-CATALOGUE] is what the documentation says; `vitest run -u` writes it anew', async () => {
    const file = join(root, 'docs/metrics.md');
    await expect(await metricsDocument(readFileSync(file, 'utf8'), file)).toMatchFileSnapshot(file);
  });

  it('names no label that a producer could fill freely', () => {
    const allowed = [
      'application',
      'thread',
      'task',
      'topic',
      'partition',
      'store',
      'node',
      'stage',
      'response',
      'reason',
    ];
    const ours = [
      'group',
      'source',
      'outcome',
      'command',
      'level',
      'type',
      'event_type',
      'source_type',
      'severity',
      'status',
      'table',
      'code',
      'kind',
      'method',
      'route',
      'recovery',
    ];
    const used = new Set(entries.flatMap(({ labels }) => labels));
    expect([...used].filter((label) => ![...allowed, ...ours].includes(label))).toEqual([]);
  });
});
