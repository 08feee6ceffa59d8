/**
 * The escalation of driver alerts as an application, with the commands on them.
 */
import { subjectOf } from '../../connectors/setup/set-up.ts';
import {
  alertCommandSchema,
  alertRuleSchema,
  commandResultSchema,
  lifecycleEventSchema,
  rawAlertSchema,
} from '../../schemas/avro.ts';
import { withAlertCommands } from '../../topologies/alert-commands.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
import { incidentTopicNames } from '../../topologies/incident-topics.ts';
import { topicNames } from '../../topologies/topics.ts';
import type { Application } from './application.ts';

export const alertsApplication: Application = {
  id: 'alerts-processor',
  threads: ({ threads }) => threads,
  topology: async ({ config: { topicPrefix, graceMs, futureSkewMs }, registry }) => {
    const topics = topicNames(topicPrefix);
    const serdes = {
      rawAlert: await registry.serdeFor(subjectOf(topics.rawAlerts), rawAlertSchema),
      lifecycleEvent: await registry.serdeFor(subjectOf(topics.alertEvents), lifecycleEventSchema),
      alertRule: await registry.serdeFor(subjectOf(topics.alertRules), alertRuleSchema),
      alertCommand: await registry.serdeFor(subjectOf(topics.alertCommands), alertCommandSchema),
      commandResult: await registry.serdeFor(subjectOf(topics.alertResults), commandResultSchema),
    };
    const topology = alertEscalationTopology({ serdes, topics, graceMs, futureSkewMs });
    return withAlertCommands(topology, {
      ...{ serdes, topics, futureSkewMs },
      incidentTopics: incidentTopicNames(topicPrefix),
    });
  },
};
