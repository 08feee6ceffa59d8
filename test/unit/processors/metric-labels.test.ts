import { afterEach, describe, expect, it } from 'vitest';
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { AlertSystem } from '../../support/alert-system.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('the labels of the alert metrics', () => {
  let system: AlertSystem;
  afterEach(() => system.close());

  it('[INV-METRIC-LABELS] are bounded, whatever drivers, alerts and sources there are', async () => {
    const metrics = new PrometheusMetrics();
    system = await AlertSystem.start({
      rules: {
        overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 4 },
        compliance: { auto_close_if: 'document_valid' },
      },
      driver: { metrics, startTimeMs: NOW },
    });
    const sources = (index: number): string =>
      index % 3 === 0 ? 'overspeed' : index % 3 === 1 ? 'compliance' : `made-up-${index}`;
    const send = async (from: number, to: number): Promise<void> => {
      for (let index = from; index < to; index += 1) {
        const alert = {
          alertId: `alert-${index % 97}`,
          driverId: `driver-${index % 41}`,
          sourceType: sources(index),
          severity: index % 50 === 49 ? 'no severity' : 'low',
          timestamp: NOW - (index % 7) * 60_000,
          metadata: JSON.stringify({ document_valid: index % 2 === 0, note: `note-${index}` }),
        };
        await system.send(alert);
      }
    };
    const series = async (): Promise<string[]> =>
      (await metrics.text())
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.slice(0, line.lastIndexOf(' ')));
    await send(0, 300);
    await system.until(NOW + 600_000);
    const before = await series();
    await send(300, 600);
    await system.until(NOW + 1_200_000);
    expect(await series()).toEqual(before);
    expect(before.filter((name) => name.startsWith('alerts_lifecycle_events_total')).length).toBeGreaterThan(5);
    expect(before.filter((name) => /driver-|alert-\d|made-up|note-/.test(name))).toEqual([]);
  });
});
