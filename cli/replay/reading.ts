/**
 * What of the raw alerts has to be read to get the events of a stretch of time right.
 *
 * The stretch is one of event time; the log knows offsets and the time each record was appended. So reading begins earlier, and it
 * does not stop early:
 * - earlier by the lead: an alert counts those in the window before it, and it is closed and purged long after it happened;
 * - earlier by the allowed skew: an alert may be appended that much before its own time;
 * - to the end of the log, since an alert of the stretch may have come any time later. What came after the stretch is processed as
 *   well, because a late alert is decided on what has come before it.
 *
 * Invariant: every alert that has a say in an event of the stretch is read, as far as the log still has it.
 */
import { escalationRule, retentionOf } from '../../processors/escalation-rule.ts';
import { SETTINGS_SOURCE_TYPE, type AlertRule } from '../../schemas/alert-rule.ts';
import type { LogReader, TopicPartition } from '../../streams/ports.ts';

/** `[fromMs, toMs)` of event time, UTC epoch milliseconds; -Infinity and Infinity leave a side open. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export const isWithin = ({ fromMs, toMs }: TimeRange, timeMs: number): boolean => timeMs >= fromMs && timeMs < toMs;

/** The raw alerts as a replay reads them. */
export interface AlertLog {
  readonly topic: string;
  readonly partitions: number;
  readonly reader: LogReader;
  /** True when records carry the time the broker appended them; otherwise offsets cannot be found by time. */
  readonly logAppendTime: boolean;
  /** The first offset appended at that time or later; undefined when there is none. */
  offsetForTime(partition: TopicPartition, timeMs: number): Promise<number | undefined>;
}

export interface PartitionReading {
  readonly partition: number;
  readonly start: number;
  /** As the log stood when the plan was made: what comes after is left to the live job. */
  readonly end: number;
  /** True when retention has removed records from the log that might have been read. */
  readonly cutShort: boolean;
}

/** How long before an event an alert may have happened that has a say in it, in milliseconds: windows, and lives to their end. */
export function leadMs(rules: readonly AlertRule[], graceMs: number): number {
  const { purgeAfterMs } = retentionOf(rules.find(({ sourceType }) => sourceType === SETTINGS_SOURCE_TYPE));
  const spans = rules
    .filter(({ sourceType }) => sourceType !== SETTINGS_SOURCE_TYPE)
    .map((record) => {
      const { count, closeAfterMs, closeIf } = escalationRule(record, graceMs);
      const closes = closeAfterMs !== undefined || closeIf !== undefined;
      return Math.max(count?.windowMs ?? 0, closes ? (closeAfterMs ?? 0) + purgeAfterMs : 0);
    });
  return Math.max(0, ...spans) + graceMs;
}

/** `readFromMs`: the append time to begin at; -Infinity for the log's beginning. */
export async function planReading(log: AlertLog, readFromMs: number): Promise<readonly PartitionReading[]> {
  return Promise.all(
    Array.from({ length: log.partitions }, async (_, partition): Promise<PartitionReading> => {
      const at = { topic: log.topic, partition };
      const { beginning, end } = await log.reader.range(at);
      const found = log.logAppendTime && readFromMs > 0 ? await log.offsetForTime(at, readFromMs) : beginning;
      const start = Math.min(end, Math.max(beginning, found ?? end));
      return { partition, start, end, cutShort: beginning > 0 && start === beginning };
    }),
  );
}

/** Whether a record of the plan was appended before that time. */
export async function readsBefore(
  log: AlertLog,
  readings: readonly PartitionReading[],
  timeMs: number,
): Promise<boolean> {
  if (!log.logAppendTime) return readings.some(({ start, end }) => start < end);
  const found = await Promise.all(
    readings.map(async ({ partition, start, end }) => {
      if (start === end) return false;
      return ((await log.offsetForTime({ topic: log.topic, partition }, timeMs)) ?? end) > start;
    }),
  );
  return found.includes(true);
}
