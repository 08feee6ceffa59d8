/**
 * Gathers what a replay works on: the log as it stands, the rules, the offsets to read.
 */
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import type { AlertRule } from '../../schemas/alert-rule.ts';
import { lifecycleEventSchema } from '../../schemas/avro.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { Serde } from '../../streams/serde.ts';
import type { CommandContext } from '../context.ts';
import { failure } from '../exit-codes.ts';
import { readRulesFile } from '../rules/rules-file.ts';
import type { Services } from '../services.ts';
import type { RunSettings } from './partition-run.ts';
import { rangeOf, readFromMsFor, type ReplayOptions } from './plan.ts';
import { readRulesInForce } from './rules-in-force.ts';
import { planReading, type AlertLog, type PartitionReading, type TimeRange } from './reading.ts';

export interface Prepared {
  readonly services: Services;
  readonly log: AlertLog;
  readonly range: TimeRange;
  /** Append time at which reading begins; -Infinity: the beginning of the log. */
  readonly readFromMs: number;
  readonly readings: readonly PartitionReading[];
  /** When the rules in force came to be; UTC epoch milliseconds. */
  readonly rulesChangedMs: number | undefined;
  /** With the rules in force. */
  readonly current: RunSettings;
  /** With those of `--rules`. */
  readonly candidate: RunSettings | undefined;
  readonly eventSerde: Serde<LifecycleEvent>;
}

export async function prepare(context: CommandContext, options: ReplayOptions): Promise<Prepared> {
  const nowMs = Date.now();
  const range = rangeOf(options, nowMs);
  const otherRules = options.rules === undefined ? undefined : readRulesFile(options.rules);
  const services = await context.services();
  const { topics, config, reader } = services;
  const log = await alertLogOf(services);
  const { rules, changedMs, refused } = await readRulesInForce(
    reader,
    topics.alertRules,
    await services.alertRuleSerde(),
  );
  for (const line of refused) context.reporter.line(line);
  const ruleSets: readonly (readonly AlertRule[])[] = otherRules === undefined ? [rules] : [rules, otherRules];
  const readFromMs = readFromMsFor(range, ruleSets, config);
  const readings = await planReading(log, readFromMs);
  const eventSerde = avroSerde({ schema: lifecycleEventSchema, schemaId: LOCAL_SCHEMA_ID });
  const current: RunSettings = {
    ...{ topics, partitions: log.partitions, rules, graceMs: config.graceMs, futureSkewMs: config.futureSkewMs },
    serdes: { rawAlert: await services.rawAlertSerde(), lifecycleEvent: eventSerde },
    clockMs: range.toMs === Infinity ? nowMs : Math.max(nowMs, range.toMs),
  };
  for (const { partition, cutShort } of readings) {
    if (cutShort) {
      context.reporter.line(
        `Partition ${partition}: retention has removed alerts that the beginning of the stretch may depend on; ` +
          'its first events may differ from those that were made then.',
      );
    }
  }
  const candidate = otherRules && { ...current, rules: otherRules };
  return { services, log, range, readFromMs, readings, rulesChangedMs: changedMs, current, candidate, eventSerde };
}

/** Events of a replay are written and read in this process alone, so no registry has to know their schema. */
const LOCAL_SCHEMA_ID = 1;

async function alertLogOf({ admin, reader, topics }: Services): Promise<AlertLog> {
  const topic = topics.rawAlerts;
  const partitions = (await admin.partitionCounts([topic])).get(topic);
  if (partitions === undefined)
    throw failure(`There is no topic ${topic}; run the set-up first, or correct TOPIC_PREFIX.`);
  const logAppendTime = (await admin.topicConfig(topic)).get('message.timestamp.type') === 'LogAppendTime';
  return { topic, partitions, reader, logAppendTime, offsetForTime: (at, timeMs) => admin.offsetForTime(at, timeMs) };
}
