/**
 * The escalation of driver alerts as an application.
 */
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { alertRuleSchema, lifecycleEventSchema, rawAlertSchema } from '../../schemas/avro.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
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
    };
    return alertEscalationTopology({ serdes, topics, graceMs, futureSkewMs });
  },
};
