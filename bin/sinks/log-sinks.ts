/**
 * The sinks of the logs: the logs themselves, their error counts and the alerts about them.
 */
import { systemClock } from '../../connectors/system-clock.ts';
import { logAlertSchema, logErrorCountSchema, logEventSchema } from '../../schemas/avro.ts';
import { errorCountTables } from '../../sink/logs/error-count-tables.ts';
import { logAlertTables } from '../../sink/logs/log-alert-tables.ts';
import { LogTables } from '../../sink/logs/log-tables.ts';
import { logTopicNames } from '../../topologies/log-topics.ts';
import { createSink, type SinkParts } from './create-sink.ts';

/** None runs yet. */
export const createLogSinks = async (parts: SinkParts, prefix: string) => {
  const topics = logTopicNames(prefix);
  const now = (): number => systemClock.now();
  const logs = createSink(parts, {
    topic: topics.logEvents,
    groupId: `${prefix}logs-sink`,
    schema: logEventSchema,
    tables: new LogTables({ now, logger: parts.logger }),
  });
  const counts = createSink(parts, {
    topic: topics.logErrorCounts,
    groupId: `${prefix}log-error-counts-sink`,
    schema: logErrorCountSchema,
    tables: errorCountTables(now),
  });
  const alerts = createSink(parts, {
    topic: topics.logAlerts,
    groupId: `${prefix}log-alerts-sink`,
    schema: logAlertSchema,
    tables: logAlertTables,
  });
  return Promise.all([logs, counts, alerts]);
};
