/**
 * Metrics whose instruments all carry some labels more, so that parts of one process stay apart.
 */
import type { Metrics, MetricLabels } from '../../streams/ports.ts';

export const labelled = (metrics: Metrics, labels: MetricLabels): Metrics => ({
  counter: (name, own) => metrics.counter(name, { ...labels, ...own }),
  gauge: (name, own) => metrics.gauge(name, { ...labels, ...own }),
  histogram: (name, own) => metrics.histogram(name, { ...labels, ...own }),
});
