/**
 * The incident part of a gateway on Kafka, the registry, MySQL and the stores of the processors.
 */
import { readingKey } from '../../connectors/http/api-keys.ts';
import { STREAMS_PATH } from '../../connectors/queries/addresses.ts';
import { queryThrough } from '../../connectors/queries/remote-query.ts';
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { incidentsPart } from '../../gateway/incidents/incidents-part.ts';
import { openUserStore } from '../../gateway/incidents/user-store.ts';
import type { GatewayPart } from '../../gateway/part.ts';
import { alertCommandSchema, commandResultSchema, incidentCommandSchema } from '../../schemas/avro.ts';
import { openIncidentReadModel } from '../../sink/read-model-incidents.ts';
import { incidentTopicNames } from '../../topologies/incident-topics.ts';
import { topicNames } from '../../topologies/topics.ts';
import type { GatewayPartsOptions } from './gateway-parts.ts';
import { queriedIncidents } from './queried-incidents.ts';

const QUERY_TIMEOUT_MS = 3_000;

/** `alertedServices`: those with alert rules in force, by name. Rejects when the registry is away. */
export const incidentsGatewayPart = async (
  options: GatewayPartsOptions,
  alertedServices: () => Promise<readonly string[]>,
): Promise<GatewayPart> => {
  const { config, kafka, registry, database, readModel: alerts } = options;
  const topics = { ...topicNames(config.topicPrefix), ...incidentTopicNames(config.topicPrefix) };
  const readModel = openIncidentReadModel(database);
  const queries = { apiKey: readingKey(config.processorApiKeys), timeoutMs: QUERY_TIMEOUT_MS };
  return incidentsPart(config, topics, {
    ...options,
    ...{ alerts, readModel },
    reader: () => kafka.reader(),
    incidentCommands: await registry.serdeFor(subjectOf(topics.incidentCommands), incidentCommandSchema),
    alertCommands: await registry.serdeFor(subjectOf(topics.alertCommands), alertCommandSchema),
    results: await registry.serdeFor(subjectOf(topics.incidentResults), commandResultSchema),
    store: queriedIncidents(queryThrough(`${config.processorUrl}${STREAMS_PATH}/incidents`, queries)),
    users: openUserStore(database),
    alertedServices,
  });
};
