/**
 * The processor: runs the escalation topology on stream threads.
 */
import { readProcessorConfig } from '../connectors/config/processes.ts';
import { startHealthServer } from '../connectors/observability/health-server.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { mergedText, PrometheusMetrics, type MetricsSnapshot } from '../connectors/observability/prometheus-metrics.ts';
import { StreamThreads } from '../connectors/stream-threads/stream-threads.ts';
import { runProcess } from '../connectors/process.ts';

const STOP_TIMEOUT_MS = 20_000;

await runProcess('processor', async ({ environment, fail }) => {
  const config = readProcessorConfig(environment);
  const logger = createLogger({ service: 'processor', level: config.logLevel });
  const metrics = new PrometheusMetrics({ processMetrics: true });
  const threads = new StreamThreads({
    workerUrl: new URL('./processor-thread.ts', import.meta.url),
    threads: config.threads,
    logger,
    onFailure: (failure) => fail(`A stream thread failed: ${failure.message}`, { failure }),
  });
  const server = await startHealthServer({
    service: 'processor',
    host: config.host,
    port: config.port,
    live: { threads: () => refuse(threads.states.includes('dead'), threads.states) },
    ready: { tasks: () => refuse(!threads.ready, threads.states) },
    metrics: async () => {
      const snapshots = (await threads.metrics()) as MetricsSnapshot[];
      return mergedText([await metrics.snapshot(), ...snapshots]);
    },
  });
  logger.info('Processor is up', { url: server.url, threads: config.threads });
  return {
    logger,
    stop: async () => {
      await threads.stop(STOP_TIMEOUT_MS);
      await server.close();
    },
  };
});

function refuse(refused: boolean, states: readonly string[]): void {
  if (refused) throw new Error(`stream threads are ${states.join(', ')}`);
}
