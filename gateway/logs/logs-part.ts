/**
 * The logs' part of the gateway, put together from ports.
 *
 * Invariant: all that it knows about the world comes in through `LogPorts`.
 */
import type { Clock, Logger, LogProducer, LogReader, Metrics, Serde, Serializer } from '../../connectors/log.ts';
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import type { LogEvent } from '../../schemas/log-event.ts';
import type { LogReadModel } from '../../sink/read-model-logs.ts';
import { timestampParser } from '../alerts/timestamp.ts';
import { type RandomBytes, uuidV7 } from '../alerts/uuid-v7.ts';
import { RuleDesk, type RuleModel } from '../alert-rules/rule-desk.ts';
import { ruleRoutes } from '../alert-rules/rule-routes.ts';
import type { GatewayConfig } from '../config.ts';
import type { GatewayPart } from '../part.ts';
import { TopicTable } from '../tables/topic-table.ts';
import { LogIntake } from './log-intake.ts';
import { logRoutes } from './log-routes.ts';

export interface LogGatewayTopics {
  readonly logEvents: string;
  readonly logAlertRules: string;
}

export interface LogPorts {
  readonly producer: LogProducer;
  /** The rules' own. */
  readonly reader: LogReader;
  readonly logs: Serializer<LogEvent>;
  readonly rules: Serde<LogAlertRule>;
  readonly ruleModel: RuleModel;
  readonly readModel: LogReadModel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly random: RandomBytes;
}

export interface LogsPart extends GatewayPart {
  /** Services that enabled rules name, in order. */
  alertedServices(): Promise<readonly string[]>;
}

type Config = Pick<GatewayConfig, 'bodyLimitBytes' | 'decisionTimeoutMs' | 'logFutureSkewMs' | 'timeZone'>;

export const logsPart = (config: Config, topics: LogGatewayTopics, ports: LogPorts): LogsPart => {
  const { clock, readModel, logger } = ports;
  const timeoutMs = config.decisionTimeoutMs;
  const table = new TopicTable({ ...ports, topic: topics.logAlertRules, value: ports.rules, timeoutMs });
  const newId = (): string => uuidV7(clock.now(), ports.random);
  const desk = new RuleDesk({ ...ports, table, topic: topics.logAlertRules, model: ports.ruleModel, newId });
  const intake = new LogIntake({ ...ports, topic: topics.logEvents });
  // Rules can be looked after while the database is away; when they last raised an alert is then unknown.
  const lastAlerts = async (): Promise<ReadonlyMap<string, number>> => {
    try {
      return await readModel.lastAlerts();
    } catch (error) {
      logger.warn('when rules raised their last alerts cannot be read', { err: error });
      return new Map();
    }
  };
  return {
    routes: (app) => {
      logRoutes(app, { ...config, intake, readModel, clock, parseTimestamp: timestampParser(config.timeZone) });
      ruleRoutes(app, { desk, lastAlerts });
    },
    follow: (signal) => table.follow(signal),
    alertedServices: async () => {
      const named = (await desk.list()).flatMap(({ service, enabled }) => (enabled && service !== null ? service : []));
      return [...new Set(named)].sort();
    },
  };
};
