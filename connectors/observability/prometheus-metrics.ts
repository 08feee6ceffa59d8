/**
 * The engine's metrics as Prometheus sees them.
 *
 * Invariant: recording is an addition in memory and nothing else; text is made when somebody asks. Counters end in `_total`,
 * histograms are in seconds (`_seconds`), whatever the caller's way of writing names. What was measured on being asked is gone
 * after the answer, so nothing that has moved away keeps its last value.
 */
import { AggregatorRegistry, collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import type { Counter, Gauge, Histogram, Measurement, MetricLabels, Metrics } from '../../streams/ports.ts';

/** All metrics of one thread at one moment, as plain data that can be sent to another thread. */
export type MetricsSnapshot = readonly object[];

export const METRICS_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** Upper bounds in seconds, from a fast commit to a long restore. */
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

type Kind = 'counter' | 'gauge' | 'histogram';

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Instrument {
  samples(name: string, labels: MetricLabels): readonly Sample[];
}

class AccumulatingCounter implements Counter, Instrument {
  #value = 0;

  add(amount: number): void {
    this.#value += amount;
  }

  samples(metricName: string, labels: MetricLabels): readonly Sample[] {
    return [{ metricName, labels, value: this.#value }];
  }
}

class LastValueGauge implements Gauge, Instrument {
  #value = 0;

  set(value: number): void {
    this.#value = value;
  }

  samples(metricName: string, labels: MetricLabels): readonly Sample[] {
    return [{ metricName, labels, value: this.#value }];
  }
}

class BucketHistogram implements Histogram, Instrument {
  readonly #counts = new Float64Array(BUCKETS_SECONDS.length + 1);
  #sumSeconds = 0;

  record(durationMs: number): void {
    const seconds = durationMs / 1000;
    let bucket = 0;
    while (bucket < BUCKETS_SECONDS.length && seconds > (BUCKETS_SECONDS[bucket] as number)) bucket++;
    (this.#counts[bucket] as number) += 1;
    this.#sumSeconds += seconds;
  }

  samples(name: string, labels: MetricLabels): readonly Sample[] {
    let count = 0;
    const buckets = Array.from(this.#counts, (inBucket, i) => {
      count += inBucket;
      return { metricName: `${name}_bucket`, labels: { ...labels, le: BUCKETS_SECONDS[i] ?? '+Inf' }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sumSeconds },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

/** All instruments of one name; what prom-client's registry takes for a metric. */
class Family<T extends Instrument> {
  readonly name: string;
  readonly type: Kind;
  readonly #help: string;
  readonly #instruments = new Map<string, { readonly labels: MetricLabels; readonly instrument: T }>();

  constructor(name: string, type: Kind, help: string) {
    this.name = name;
    this.type = type;
    this.#help = help;
  }

  instrument(labels: MetricLabels, make: () => T): T {
    const clean = Object.fromEntries(
      Object.entries(labels)
        .map(([label, value]) => [toPrometheusName(label), value] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    const key = JSON.stringify(clean);
    let known = this.#instruments.get(key);
    if (known === undefined) this.#instruments.set(key, (known = { labels: clean, instrument: make() }));
    return known.instrument;
  }

  async get(): Promise<object> {
    const values = [...this.#instruments.values()].flatMap(({ labels, instrument }) =>
      instrument.samples(this.name, labels),
    );
    return { name: this.name, help: this.#help, type: this.type, values, aggregator: 'sum' };
  }
}

/** Lower case with underscores: `records-consumed`, `records.consumed` and `recordsConsumed` are one name. */
const toPrometheusName = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^a-zA-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .replace(/^(?=\d)/, '_')
    .toLowerCase();

const metricName = (name: string, kind: Kind): string => {
  const clean = toPrometheusName(name);
  if (kind === 'counter') return clean.endsWith('_total') ? clean : `${clean}_total`;
  return kind === 'histogram' ? `${clean.replace(/_(ms|millis|seconds)$/, '')}_seconds` : clean;
};

export interface PrometheusMetricsOptions {
  /** Adds CPU, memory, event loop and garbage collection of the process. In one thread of it only. */
  readonly processMetrics?: boolean;
  /** What stands behind a metric's name in the text; its name by default. */
  readonly help?: (exposedName: string) => string | undefined;
  /** Goes with every metric, such as `{ thread: '1' }`, so that the gauges of threads stay apart when they are merged. */
  readonly labels?: MetricLabels;
}

/** Asked for each text or snapshot. What it rejects with is for whoever asked. */
export type MeasurementSource = () => readonly Measurement[] | Promise<readonly Measurement[]>;

export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry();
  readonly #sources: MeasurementSource[] = [];
  readonly #families = new Map<string, Family<Instrument>>();
  readonly #labels: MetricLabels;
  readonly #help: (exposedName: string) => string | undefined;

  constructor({ processMetrics = false, labels = {}, help = () => undefined }: PrometheusMetricsOptions = {}) {
    this.#labels = labels;
    this.#help = help;
    if (processMetrics) collectDefaultMetrics({ register: this.#registry });
  }

  counter(name: string, labels: MetricLabels = {}): Counter {
    return this.#instrument(name, 'counter', labels, () => new AccumulatingCounter());
  }

  gauge(name: string, labels: MetricLabels = {}): Gauge {
    return this.#instrument(name, 'gauge', labels, () => new LastValueGauge());
  }

  histogram(name: string, labels: MetricLabels = {}): Histogram {
    return this.#instrument(name, 'histogram', labels, () => new BucketHistogram());
  }

  /** Adds gauges whose values are read whenever somebody asks. */
  observe(source: MeasurementSource): void {
    this.#sources.push(source);
  }

  /** In the Prometheus text format. */
  async text(): Promise<string> {
    const [recorded, observed] = await Promise.all([this.#registry.metrics(), this.#observed()]);
    return recorded + (await observed.metrics());
  }

  async snapshot(): Promise<MetricsSnapshot> {
    const [recorded, observed] = await Promise.all([this.#registry.getMetricsAsJSON(), this.#observed()]);
    return [...recorded, ...(await observed.getMetricsAsJSON())];
  }

  async #observed(): Promise<Registry> {
    const measured = await Promise.all(this.#sources.map(async (source) => source()));
    const registry = new Registry();
    for (const [name, values] of Map.groupBy(measured.flat(), ({ name }) => metricName(name, 'gauge'))) {
      const family = new Family<LastValueGauge>(name, 'gauge', this.#help(name) ?? name);
      for (const { labels, value } of values) {
        family.instrument({ ...this.#labels, ...labels }, () => new LastValueGauge()).set(value);
      }
      registry.registerMetric(family as unknown as Metric);
    }
    return registry;
  }

  #instrument<T extends Instrument>(name: string, kind: Kind, labels: MetricLabels, make: () => T): T {
    const exposed = metricName(name, kind);
    let family = this.#families.get(exposed);
    if (family === undefined) {
      family = new Family(exposed, kind, this.#help(exposed) ?? name);
      this.#registry.registerMetric(family as unknown as Metric);
      this.#families.set(exposed, family);
    }
    if (family.type !== kind)
      throw new Error(`The metric ${name} is a ${family.type} and cannot be a ${kind} as well.`);
    return family.instrument({ ...this.#labels, ...labels }, make) as T;
  }
}

/** The metrics of several threads as one text: samples of the same name and labels are added up. */
export const mergedText = async (snapshots: readonly MetricsSnapshot[]): Promise<string> =>
  AggregatorRegistry.aggregate(snapshots as object[]).metrics();
