/**
 * The alerts about logs as an application.
 */
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { logAlertRuleSchema, logAlertSchema, logErrorCountSchema, logEventSchema } from '../../schemas/avro.ts';
import { TopologyError } from '../../streams/errors.ts';
import { logAlertingTopology } from '../../topologies/log-alerting.ts';
import { logTopicNames } from '../../topologies/log-topics.ts';
import type { Application } from './application.ts';

export const logAlertingApplication: Application = {
  id: 'log-alerting',
  threads: ({ logThreads }) => logThreads,
  topology: async ({ config: { topicPrefix, logGraceMs: graceMs }, registry, partitionsOf }) => {
    const topics = logTopicNames(topicPrefix);
    const partitions = await partitionsOf(topics.logEvents);
    if (partitions === undefined) {
      throw new TopologyError('UNKNOWN_TOPIC', `The topic "${topics.logEvents}" does not exist; run the set-up first.`);
    }
    const serdes = {
      logEvent: await registry.serdeFor(subjectOf(topics.logEvents), logEventSchema),
      logAlertRule: await registry.serdeFor(subjectOf(topics.logAlertRules), logAlertRuleSchema),
      logAlert: await registry.serdeFor(subjectOf(topics.logAlerts), logAlertSchema),
      logErrorCount: await registry.serdeFor(subjectOf(topics.logErrorCounts), logErrorCountSchema),
    };
    return logAlertingTopology({ serdes, partitions, topics, graceMs });
  },
};
