/**
 * The gateway: its parts put together from ports, without a connection of its own.
 *
 * Invariant: all that it knows about the world comes in through `GatewayPorts`, so the same gateway runs on Kafka and MySQL and
 * in a test on memory.
 */
import type { FastifyInstance } from 'fastify';
import type {
  Clock,
  Deserializer,
  LogAdmin,
  Logger,
  LogProducer,
  LogReader,
  Metrics,
  Serializer,
} from '../connectors/log.ts';
import type { HealthChecks } from '../connectors/observability/health-checks.ts';
import { kafkaCheck } from '../connectors/observability/service-checks.ts';
import type { Tracing } from '../connectors/tracing/tracing.ts';
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { RawAlert } from '../schemas/raw-alert.ts';
import type { ReadModel } from '../sink/read-model.ts';
import { AlertIntake } from './alerts/alert-intake.ts';
import { timestampParser } from './alerts/timestamp.ts';
import { type RandomBytes, uuidV7 } from './alerts/uuid-v7.ts';
import { type GatewayConfig, isLoopback } from './config.ts';
import { DecisionTail } from './decision/decision-tail.ts';
import { DecisionWaiters } from './decision/waiters.ts';
import { answersOk, caughtUp } from './health/checks.ts';
import { readiness } from './health/readiness.ts';
import { controlAccess } from './http/access.ts';
import { allowOrigins } from './http/cors.ts';
import { createHttpServer } from './http/http-server.ts';
import { openApi } from './http/openapi.ts';
import { traceRequests } from './http/tracing.ts';
import type { IdempotencyStore } from './idempotency/idempotency.ts';
import { IdempotentIntake } from './idempotency/idempotent-intake.ts';
import type { GatewayPart } from './part.ts';
import { probeRoutes } from './routes/probes.ts';
import { processAlertRoute } from './routes/process-alert.ts';
import { readRoutes } from './routes/reads.ts';

export interface GatewayPorts {
  readonly producer: LogProducer;
  readonly reader: LogReader;
  readonly admin: LogAdmin;
  readonly alerts: Serializer<RawAlert>;
  readonly events: Deserializer<LifecycleEvent>;
  readonly readModel: ReadModel;
  readonly idempotencyStore: IdempotencyStore;
  /** What else must work for the whole path: the registry. */
  readonly checks: HealthChecks;
  /** What is served besides driver alerts. */
  readonly parts?: readonly GatewayPart[];
  /** What is shown and no reason to send alerts elsewhere: disk, memory. */
  readonly watched?: HealthChecks;
  /** Undefined: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly metricsText: () => Promise<string>;
  readonly random: RandomBytes;
}

export interface GatewayTopics {
  readonly alerts: string;
  readonly events: string;
}

export interface Gateway {
  /** Not listening yet. */
  readonly server: FastifyInstance;
  /** Follows the decisions until the signal aborts; does not reject. */
  readonly follow: (signal: AbortSignal) => Promise<void>;
}

const REQUEST_TIMEOUT_MS = 15_000;
const CHECK_TIMEOUT_MS = 2_000;
const STORE_TIMEOUT_MS = 2_000;
const TAIL_RESTART_PAUSE_MS = 500;
/** About what the processor commits in a second under load; a gateway this far behind still answers within its wait. */
const MAX_TAIL_LAG = 10_000;

const createTail = (ports: GatewayPorts, topics: GatewayTopics, waiters: DecisionWaiters): DecisionTail =>
  new DecisionTail({
    ...ports,
    topic: topics.events,
    waiters,
    restartPauseMs: TAIL_RESTART_PAUSE_MS,
    logger: ports.logger.child({ module: 'decision-tail' }),
  });

const checksOf = (
  { admin, readModel, checks }: GatewayPorts,
  config: GatewayConfig,
  topics: GatewayTopics,
  tail: DecisionTail,
): HealthChecks => ({
  kafka: kafkaCheck(admin, topics.alerts),
  ...checks,
  database: () => readModel.ping(),
  decisions: caughtUp(tail, MAX_TAIL_LAG),
  processor: answersOk(`${config.processorUrl}/ready`, CHECK_TIMEOUT_MS),
  sink: answersOk(`${config.sinkUrl}/ready`, CHECK_TIMEOUT_MS),
});

/** How long an attempt may run before another takes its key over: longer than a request can take. */
export const idempotencyLeaseMs = ({ produceTimeoutMs, decisionTimeoutMs }: GatewayConfig): number =>
  produceTimeoutMs + decisionTimeoutMs + 2 * STORE_TIMEOUT_MS + 1_000;

export const createGateway = async (
  config: GatewayConfig,
  topics: GatewayTopics,
  ports: GatewayPorts,
): Promise<Gateway> => {
  const { clock, logger, readModel } = ports;
  const waiters = new DecisionWaiters(config.maxWaiting);
  const tail = createTail(ports, topics, waiters);
  const lookUpStatus = async (alertId: string) => (await readModel.getAlert(alertId))?.status;
  const shared = { ...ports, ...config, lookUpStatus };
  const intake = new AlertIntake({ ...shared, topic: topics.alerts, waiters });
  const idempotentIntake = new IdempotentIntake({
    ...shared,
    store: ports.idempotencyStore,
    intake,
    storeTimeoutMs: STORE_TIMEOUT_MS,
  });
  const parseTimestamp = timestampParser(config.timeZone);
  const server = createHttpServer({
    ...shared,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    newRequestId: () => uuidV7(clock.now(), ports.random),
  });
  traceRequests(server, ports.tracing);
  await allowOrigins(server, config.corsOrigins);
  await controlAccess(server, { ...shared, trustsAnybody: isLoopback(config.host) });
  await openApi(server, config.apiKeys.length > 0);
  probeRoutes(server, {
    ...shared,
    readiness: readiness(checksOf(ports, config, topics, tail), CHECK_TIMEOUT_MS, logger),
    watched: readiness(ports.watched ?? {}, CHECK_TIMEOUT_MS, logger),
  });
  processAlertRoute(server, { ...shared, intake, idempotentIntake, parseTimestamp });
  readRoutes(server, { readModel, parseTimestamp });
  const { parts = [] } = ports;
  for (const part of parts) await part.routes(server);
  const follow = async (signal: AbortSignal): Promise<void> => {
    await Promise.all([tail.run(signal), ...parts.map((part) => part.follow?.(signal))]);
  };
  return { server, follow };
};
