/**
 * The incident part of the gateway, put together from ports.
 *
 * Invariant: all that it knows about the world comes in through `IncidentPorts`.
 */
import { jsonSerde } from '../../connectors/log.ts';
import type {
  Clock,
  Deserializer,
  LogAdmin,
  Logger,
  LogProducer,
  LogReader,
  Serializer,
} from '../../connectors/log.ts';
import type { AlertCommand } from '../../schemas/alert-command.ts';
import type { CommandResult } from '../../schemas/command-result.ts';
import type { EscalationPolicy, ServiceDependencies } from '../../schemas/escalation-policy.ts';
import type { IncidentCommand } from '../../schemas/incident-command.ts';
import type { ReadModel } from '../../sink/read-model.ts';
import type { IncidentReadModel } from '../../sink/read-model-incidents.ts';
import { timestampParser } from '../alerts/timestamp.ts';
import type { RandomBytes } from '../alerts/uuid-v7.ts';
import { CommandDesk } from '../commands/command-desk.ts';
import { ResultTail } from '../commands/result-tail.ts';
import type { GatewayConfig } from '../config.ts';
import type { IdempotencyStore } from '../idempotency/idempotency.ts';
import type { GatewayPart } from '../part.ts';
import { TopicTable } from '../tables/topic-table.ts';
import { alertCommandRoutes } from './alert-command-routes.ts';
import { dashboardRoutes } from './dashboard-routes.ts';
import { IncidentDesk } from './incident-desk.ts';
import { IncidentReads, type IncidentStore } from './incident-reads.ts';
import { incidentRoutes } from './incident-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import { groupOf } from './service-groups.ts';
import { userRoutes } from './user-routes.ts';
import type { UserStore } from './user-store.ts';
import { takeRequests } from './validation.ts';

export interface IncidentGatewayTopics {
  readonly incidentCommands: string;
  readonly incidentResults: string;
  readonly escalationPolicies: string;
  readonly serviceDependencies: string;
  readonly alertCommands: string;
  readonly alertResults: string;
}

export interface IncidentPorts {
  readonly producer: LogProducer;
  /** A reader each: a tail and a table are followed at the same time. */
  readonly reader: () => LogReader;
  readonly admin: LogAdmin;
  readonly incidentCommands: Serializer<IncidentCommand>;
  readonly alertCommands: Serializer<AlertCommand>;
  readonly results: Deserializer<CommandResult>;
  readonly store: IncidentStore;
  readonly readModel: IncidentReadModel;
  readonly alerts: Pick<ReadModel, 'getAlert'>;
  readonly users: UserStore;
  readonly idempotencyStore: IdempotencyStore;
  /** Services with alert rules in force, by name. */
  readonly alertedServices: () => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: RandomBytes;
}

/** How long the tables may take to come as far as what was answered. */
const CATCH_UP_MS = 2_000;

type Config = Pick<GatewayConfig, 'maxWaiting' | 'decisionTimeoutMs' | 'produceTimeoutMs' | 'timeZone'>;

const tailOf = (ports: IncidentPorts, topic: string, capacity: number): ResultTail =>
  new ResultTail({ ...ports, reader: ports.reader(), topic, capacity });

const tableOf = <T>(ports: IncidentPorts, topic: string, timeoutMs: number): TopicTable<T> =>
  new TopicTable<T>({ ...ports, reader: ports.reader(), topic, timeoutMs, value: jsonSerde<T>() });

export const incidentsPart = (config: Config, topics: IncidentGatewayTopics, ports: IncidentPorts): GatewayPart => {
  const timeoutMs = config.produceTimeoutMs + config.decisionTimeoutMs;
  const incidentTail = tailOf(ports, topics.incidentResults, config.maxWaiting);
  const alertTail = tailOf(ports, topics.alertResults, config.maxWaiting);
  const policies = tableOf<EscalationPolicy>(ports, topics.escalationPolicies, config.decisionTimeoutMs);
  const services = tableOf<ServiceDependencies>(ports, topics.serviceDependencies, config.decisionTimeoutMs);
  const incidentDesk = new CommandDesk({
    ...{ ...ports, topic: topics.incidentCommands, commands: ports.incidentCommands, tail: incidentTail, timeoutMs },
  });
  const alertDesk = new CommandDesk({
    ...{ ...ports, topic: topics.alertCommands, commands: ports.alertCommands, tail: alertTail, timeoutMs },
  });
  const reads: IncidentReads = new IncidentReads({
    ...ports,
    catchUpMs: CATCH_UP_MS,
    seenOf: (id) => desk.seenOf(id),
  });
  const desk = new IncidentDesk({
    ...ports,
    desk: incidentDesk,
    answered: (incident) => reads.answered(incident),
    groupOf: async (service) => groupOf((await services.entries()).values(), service),
  });
  const shared = { ...ports, desk, reads, parseTimestamp: timestampParser(config.timeZone) };
  return {
    routes: async (app) => {
      await app.register(async (scope) => {
        takeRequests(scope);
        incidentRoutes(scope, shared);
        dashboardRoutes(scope, { ...shared, services: ports.alertedServices });
        userRoutes(scope, shared);
        policyRoutes(scope, { ...shared, policies, services });
        alertCommandRoutes(scope, { ...shared, desk: alertDesk, lookUpMs: CATCH_UP_MS });
      });
    },
    follow: async (signal) => {
      await Promise.all([incidentTail, alertTail, policies, services].map((part) => part.follow(signal)));
    },
  };
};
