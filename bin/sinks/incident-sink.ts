/**
 * The sink of the incidents.
 */
import { incidentEventSchema } from '../../schemas/avro.ts';
import type { IncidentEvent } from '../../schemas/incident-event.ts';
import { incidentTables } from '../../sink/incidents/incident-tables.ts';
import type { Sink } from '../../sink/sink.ts';
import { incidentTopicNames } from '../../topologies/incident-topics.ts';
import { createSink, type SinkParts } from './create-sink.ts';

/** Does not run yet. Rejects when the registry stays away. */
export const createIncidentSink = (parts: SinkParts, topicPrefix: string): Promise<Sink<IncidentEvent>> =>
  createSink(parts, {
    topic: incidentTopicNames(topicPrefix).incidentEvents,
    groupId: `${topicPrefix}incidents-sink`,
    schema: incidentEventSchema,
    tables: incidentTables,
  });
