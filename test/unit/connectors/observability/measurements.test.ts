import { describe, expect, it } from 'vitest';
import { measuredInBackground } from '../../../../connectors/observability/background-measurement.ts';
import { memoryLimitBytes } from '../../../../connectors/observability/process-metrics.ts';
import { PrometheusMetrics } from '../../../../connectors/observability/prometheus-metrics.ts';
import { openAlertMeasurements } from '../../../../sink/open-alerts.ts';
import type { Measurement } from '../../../../streams/ports.ts';
import { silentLogger } from '../../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const settle = () => new Promise(setImmediate);
const one = (value: number): Measurement => ({ name: 'letters', labels: {}, value });

describe('measurements', () => {
  it('are read when somebody asks, and what has moved away leaves nothing behind', async () => {
    let lags: Measurement[] = [{ name: 'lag', labels: { partition: '0' }, value: 3 }];
    const metrics = new PrometheusMetrics({ labels: { thread: '1' }, help: () => 'Offsets that wait.' });
    metrics.observe(() => lags);
    expect(await metrics.text()).toContain(
      '# HELP lag Offsets that wait.\n# TYPE lag gauge\nlag{partition="0",thread="1"} 3',
    );
    lags = [{ name: 'lag', labels: { partition: '1' }, value: 7 }];
    expect(await metrics.text()).not.toContain('partition="0"');
    expect(await metrics.snapshot()).toMatchObject([{ name: 'lag', values: [{ value: 7 }] }]);
  });

  it('of a service are asked for beside the page, one at a time, and left out when they are old', async () => {
    const clock = new VirtualClock(1_000_000);
    let asked = 0;
    let answer: () => Promise<readonly Measurement[]> = () => Promise.resolve([one(1)]);
    const ask = (): Promise<readonly Measurement[]> => {
      asked += 1;
      return answer();
    };
    const measure = measuredInBackground({ ask, what: 'letters', clock, logger: silentLogger, intervalMs: 100 });
    expect(measure()).toEqual([]);
    await settle();
    expect(measure()).toEqual([one(1)]);
    expect(asked).toBe(1);

    answer = () => Promise.reject(new Error('away'));
    await clock.advance(100);
    expect(measure()).toEqual([one(1)]);
    await settle();
    await clock.advance(200);
    expect(measure()).toEqual([one(1)]);
    await clock.advance(200);
    expect(measure()).toEqual([]);

    const hanging = Promise.withResolvers<readonly Measurement[]>();
    answer = () => hanging.promise;
    await settle();
    const before = asked;
    for (let round = 0; round < 3; round += 1) {
      await clock.advance(100);
      measure();
    }
    expect(asked).toBe(before + 1);
    hanging.resolve([one(2)]);
    await settle();
    expect(measure()).toEqual([one(2)]);
  });

  it('[INV-METRIC-LABELS] of open alerts have a bounded number of sources', () => {
    const groups = Array.from({ length: 500 }, (_, index) => ({
      source: `source-${index}`,
      severity: index % 2 === 0 ? 'low' : 'made up',
      status: 'OPEN',
      alerts: 1_000 - index,
    }));
    const measured = openAlertMeasurements(groups, 10);
    expect(measured).toHaveLength(12);
    expect(new Set(measured.map(({ labels }) => labels['severity']))).toEqual(new Set(['low', 'other']));
    const total = (list: readonly { value?: number; alerts?: number }[]): number =>
      list.reduce((sum, { value, alerts }) => sum + (value ?? alerts ?? 0), 0);
    expect(total(measured)).toBe(total(groups));
  });

  it('know how much memory the process may have', () => {
    expect(memoryLimitBytes()).toBeGreaterThan(process.memoryUsage.rss());
  });
});
