/**
 * The incident part of a gateway on Kafka, the registry, MySQL and the stores of the processors.
 */
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

const QUERIES = { apiKey: undefined, timeoutMs: 3_000 };

/** `alertedServices`: those with alert rules in force, by name. Rejects when the registry is away. */
export const incidentsGatewayPart = async (
  options: GatewayPartsOptions,
  alertedServices: () => Promise<readonly string[]>,
): Promise<GatewayPart> => {
  const { config, kafka, registry, database, readModel: alerts } = options;
  const topics = { ...topicNames(config.topicPrefix), ...incidentTopicNames(config.topicPrefix) };
  const readModel = openIncidentReadModel(database);
  return incidentsPart(config, topics, {
    ...options,
    ...{ alerts, readModel },
    reader: () => kafka.reader(),
    incidentCommands: await registry.serdeFor(subjectOf(topics.incidentCommands), incidentCommandSchema),
    alertCommands: await registry.serdeFor(subjectOf(topics.alertCommands), alertCommandSchema),
    results: await registry.serdeFor(subjectOf(topics.incidentResults), commandResultSchema),
    store: queriedIncidents(queryThrough(`${config.processorUrl}${STREAMS_PATH}/incidents`, QUERIES)),
    users: openUserStore(database),
    alertedServices,
  });
};
