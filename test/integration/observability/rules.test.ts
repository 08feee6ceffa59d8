import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../../../infra/local-stack/settings.ts';
import { METRICS } from '../../../connectors/observability/metric-catalogue.ts';
import { anchorsOf } from '../../support/markdown.ts';
import { runTool } from '../../support/prometheus-tools.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: { readonly summary?: string; readonly description?: string; readonly runbook_url?: string };
}

const folder = 'infra/prometheus';
const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');
const ruleFiles = readdirSync(join(projectRoot, folder)).filter((file) => file.endsWith('.rules.yml'));
const rules = ruleFiles.flatMap((file) => {
  const { groups } = parse(read(`${folder}/${file}`)) as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
});
const alerts = rules.filter(({ alert }) => alert !== undefined);

describe('the alert rules', () => {
  it('hold what has to be told', () => {
    expect(alerts.map(({ alert }) => alert)).toEqual(
      expect.arrayContaining([
        ...['ServiceDown', 'DatabaseFailures', 'HighErrorRate', 'IngestionFailing', 'ConsumerLag', 'HighLatency'],
        ...['DatabasePoolExhausted', 'HighMemory', 'DeadLetters', 'ServiceRestarting', 'CommitStalled', 'RestoreStuck'],
      ]),
    );
  });

  it('are what Prometheus takes', async () => {
    expect(await runTool('promtool', ['check', 'rules', ...ruleFiles.map((file) => `${folder}/${file}`)])).toContain(
      'SUCCESS',
    );
  });

  it.each(ruleFiles)('fire when they must and not before: %s', async (file) => {
    const tests = `${folder}/tests/${file.replace('.rules.yml', '.test.yml')}`;
    expect(await runTool('promtool', ['test', 'rules', tests])).toContain('SUCCESS');
  });

  it('have a unit test each, and one that fails is told', async () => {
    const tests = readdirSync(join(projectRoot, folder, 'tests')).map((file) => read(`${folder}/tests/${file}`));
    for (const { alert } of alerts) expect(tests.join('')).toContain(`alertname="${alert}",alertstate="firing"`);
    await expect(runTool('promtool', ['test', 'rules', `${folder}/prometheus.yml`])).rejects.toThrow('failed');
  });

  it.each(alerts)('$alert says how grave it is, what it means and which section of the runbook helps', (rule) => {
    expect(['critical', 'high', 'medium', 'low']).toContain(rule.labels?.severity);
    expect(rule.annotations?.summary).toBeTruthy();
    expect(rule.annotations?.description).toBeTruthy();
    const [file = '', anchor = ''] = (rule.annotations?.runbook_url ?? '').split('#');
    expect(anchorsOf(read(file))).toContain(anchor);
  });

  it('ask only for metrics that there are', () => {
    const known = new Set(METRICS.flatMap(({ metrics }) => metrics.map(({ name }) => name)));
    const recorded = rules.map(({ record }) => record);
    const asked = rules.flatMap(({ expr }) => expr.match(/\b[a-z]+(?::[a-z_0-9:]+|_[a-z_0-9]+)\b(?=[{[\s)]|$)/g) ?? []);
    const words = new Set(['histogram_quantile', 'application', 'instance']);
    const unknown = asked.filter(
      (name) => !words.has(name) && !recorded.includes(name) && !known.has(name.replace(/_(bucket|count|sum)$/, '')),
    );
    expect(asked.length).toBeGreaterThan(20);
    expect(unknown.filter((name) => !/^process_(start_time|resident_memory)/.test(name))).toEqual([]);
  });
});

describe('the alertmanager', () => {
  const config = 'infra/alertmanager/alertmanager.yml';

  it('takes its configuration', async () => {
    expect(await runTool('amtool', ['check-config', config])).toContain('SUCCESS');
  });

  it.each([
    ['critical', 'pager'],
    ['high', 'channel'],
    ['medium', 'mail'],
    ['low', 'mail'],
  ])('sends what is %s to the %s', async (severity, receiver) => {
    const routed = await runTool('amtool', [
      'config',
      'routes',
      'test',
      `--config.file=${config}`,
      `severity=${severity}`,
    ]);
    expect(routed.split('\n')[0]).toBe(receiver);
  });
});
