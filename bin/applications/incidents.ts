/**
 * Incidents as an application.
 */
import { subjectOf } from '../../connectors/setup/set-up.ts';
import {
  commandResultSchema,
  incidentCommandSchema,
  incidentEventSchema,
  lifecycleEventSchema,
  logAlertSchema,
} from '../../schemas/avro.ts';
import { incidentTopicNames } from '../../topologies/incident-topics.ts';
import { incidentsTopology } from '../../topologies/incidents.ts';
import type { Application } from './application.ts';

export const incidentsApplication: Application = {
  id: 'incidents',
  threads: ({ incidentThreads }) => incidentThreads,
  topology: async ({ config: { topicPrefix, correlationWindowMs }, registry }) => {
    const topics = incidentTopicNames(topicPrefix);
    const serdes = {
      logAlert: await registry.serdeFor(subjectOf(topics.logAlerts), logAlertSchema),
      lifecycleEvent: await registry.serdeFor(subjectOf(topics.driverEscalations), lifecycleEventSchema),
      incidentCommand: await registry.serdeFor(subjectOf(topics.incidentCommands), incidentCommandSchema),
      incidentEvent: await registry.serdeFor(subjectOf(topics.incidentEvents), incidentEventSchema),
      commandResult: await registry.serdeFor(subjectOf(topics.incidentResults), commandResultSchema),
    };
    return incidentsTopology({ serdes, topics, correlationWindowMs });
  },
};
