import { describe, expect, it } from 'vitest';
import { mergedText, PrometheusMetrics } from '../../../../connectors/observability/prometheus-metrics.ts';

const sampleOf = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

describe('Prometheus metrics', () => {
  it('names counters with _total and histograms in seconds, however the caller writes', async () => {
    const metrics = new PrometheusMetrics();
    metrics.counter('records-consumed').add(3);
    metrics.counter('lateRecords_total').add(1);
    metrics.gauge('consumer.lag').set(7);
    metrics.histogram('commitDurationMs').record(20);
    const text = await metrics.text();
    expect(sampleOf(text, 'records_consumed_total')).toBe(3);
    expect(sampleOf(text, 'late_records_total')).toBe(1);
    expect(sampleOf(text, 'consumer_lag')).toBe(7);
    expect(sampleOf(text, 'commit_duration_seconds_sum')).toBeCloseTo(0.02);
    expect(text).toContain('# TYPE records_consumed_total counter');
    expect(text).toContain('# TYPE commit_duration_seconds histogram');
  });

  it('gives the same instrument for the same name and labels in any order', async () => {
    const metrics = new PrometheusMetrics();
    metrics.counter('alerts', { source: 'overspeed', decision: 'late' }).add(1);
    metrics.counter('alerts', { decision: 'late', source: 'overspeed' }).add(1);
    metrics.counter('alerts', { decision: 'escalated' }).add(5);
    const text = await metrics.text();
    expect(sampleOf(text, 'alerts_total{decision="late",source="overspeed"}')).toBe(2);
    expect(sampleOf(text, 'alerts_total{decision="escalated"}')).toBe(5);
  });

  it('counts a duration in its bucket and in all wider ones', async () => {
    const metrics = new PrometheusMetrics();
    const histogram = metrics.histogram('wait_ms');
    for (const durationMs of [0.5, 1, 20, 25, 120_000]) histogram.record(durationMs);
    const text = await metrics.text();
    expect(sampleOf(text, 'wait_seconds_bucket{le="0.001"}')).toBe(2);
    expect(sampleOf(text, 'wait_seconds_bucket{le="0.025"}')).toBe(4);
    expect(sampleOf(text, 'wait_seconds_bucket{le="60"}')).toBe(4);
    expect(sampleOf(text, 'wait_seconds_bucket{le="+Inf"}')).toBe(5);
    expect(sampleOf(text, 'wait_seconds_count')).toBe(5);
  });

  it('refuses one name for two kinds of metric', () => {
    const metrics = new PrometheusMetrics();
    metrics.gauge('tasks_total');
    expect(() => metrics.counter('tasks')).toThrow(/tasks is a gauge/);
  });

  it('escapes label values', async () => {
    const metrics = new PrometheusMetrics();
    metrics.counter('seen', { value: 'a"b\nc' }).add(1);
    expect(await metrics.text()).toContain('seen_total{value="a\\"b\\nc"} 1');
  });

  it('adds the metrics of the process when asked', async () => {
    expect(await new PrometheusMetrics({ processMetrics: true }).text()).toContain('process_cpu_seconds_total');
    expect(await new PrometheusMetrics().text()).not.toContain('process_cpu');
  });
});

describe('merging the metrics of threads', () => {
  it('adds up counters and histograms, and keeps the gauges of threads apart by their label', async () => {
    const threads = ['1', '2'].map((thread) => {
      const metrics = new PrometheusMetrics({ labels: { thread } });
      metrics.gauge('tasks').set(Number(thread));
      return metrics;
    });
    const plain = [new PrometheusMetrics({ processMetrics: true }), new PrometheusMetrics()];
    for (const metrics of plain) {
      metrics.counter('records', { topic: 't' }).add(10);
      metrics.histogram('commit').record(30);
    }
    const snapshots = await Promise.all([...threads, ...plain].map((metrics) => metrics.snapshot()));
    const text = await mergedText(structuredClone(snapshots));
    expect(sampleOf(text, 'records_total{topic="t"}')).toBe(20);
    expect(sampleOf(text, 'commit_seconds_bucket{le="0.05"}')).toBe(2);
    expect(sampleOf(text, 'commit_seconds_count')).toBe(2);
    expect(sampleOf(text, 'tasks{thread="1"}')).toBe(1);
    expect(sampleOf(text, 'tasks{thread="2"}')).toBe(2);
    expect(text.match(/# TYPE records_total counter/g)).toHaveLength(1);
  });
});
