/**
 * What the sink process measures when somebody looks at its metrics: its sinks, its database, what waits in the dead letters.
 */
import type { LogReader, Logger, Measurement } from '../../connectors/log.ts';
import type { MysqlPool } from '../../connectors/mysql/database.ts';
import { measuredInBackground } from '../../connectors/observability/background-measurement.ts';
import { poolMeasurements, processMeasurements } from '../../connectors/observability/process-metrics.ts';
import type { PrometheusMetrics } from '../../connectors/observability/prometheus-metrics.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { measureOpenAlerts } from '../../sink/open-alerts.ts';
import type { Sink } from '../../sink/sink.ts';

const LAG_INTERVAL_MS = 2_000;

export interface MeasuredSinks {
  readonly sinks: readonly Pick<Sink<never>, 'measurements' | 'measureLag'>[];
  readonly database: MysqlPool;
  readonly reader: LogReader;
  readonly deadLetterTopic: string;
  readonly logger: Logger;
}

export const observeSinks = (metrics: PrometheusMetrics, measured: MeasuredSinks): void => {
  const { sinks, database, reader, deadLetterTopic, logger } = measured;
  const measureDeadLetters = async (): Promise<readonly Measurement[]> => {
    const { beginning, end } = await reader.range({ topic: deadLetterTopic, partition: 0 });
    return [{ name: 'dead_letters_waiting', labels: {}, value: end - beginning }];
  };
  const measureLag = async (): Promise<readonly Measurement[]> =>
    (await Promise.all(sinks.map((sink) => sink.measureLag()))).flat();
  const inBackground = { clock: systemClock, logger };
  metrics.observe(processMeasurements);
  metrics.observe(() => poolMeasurements(database.poolUse()));
  metrics.observe(() => sinks.flatMap((sink) => sink.measurements()));
  metrics.observe(
    measuredInBackground({ ...inBackground, what: 'open alerts', ask: () => measureOpenAlerts(database) }),
  );
  metrics.observe(measuredInBackground({ ...inBackground, what: 'lag', ask: measureLag, intervalMs: LAG_INTERVAL_MS }));
  metrics.observe(measuredInBackground({ ...inBackground, what: 'dead letters', ask: measureDeadLetters }));
};
