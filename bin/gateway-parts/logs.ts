/**
 * The logs' part of a gateway on Kafka, the registry and MySQL.
 */
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { logsPart, type LogsPart } from '../../gateway/logs/logs-part.ts';
import { changedRule, newRule } from '../../processors/log-alerting/rule-draft.ts';
import { logAlertRuleSchema, logEventSchema } from '../../schemas/avro.ts';
import { openLogReadModel } from '../../sink/read-model-logs.ts';
import { logTopicNames } from '../../topologies/log-topics.ts';
import type { GatewayPartsOptions } from './gateway-parts.ts';

/** Rejects when the registry is away. */
export const logsGatewayPart = async (options: GatewayPartsOptions): Promise<LogsPart> => {
  const { config, kafka, registry, database, clock } = options;
  const topics = logTopicNames(config.topicPrefix);
  return logsPart(config, topics, {
    ...options,
    reader: kafka.reader(),
    logs: await registry.serdeFor(subjectOf(topics.logEvents), logEventSchema),
    rules: await registry.serdeFor(subjectOf(topics.logAlertRules), logAlertRuleSchema),
    ruleModel: { newRule, changedRule },
    readModel: openLogReadModel(database, () => clock.now()),
  });
};
