/**
 * A live alert system on the in-memory log, and replays of its raw alerts.
 */
import { replay, type ReplayJob, type ReplayTotals } from '../../cli/replay/replay.ts';
import type { Side } from '../../cli/replay/comparison.ts';
import { readFromMsFor } from '../../cli/replay/plan.ts';
import type { RunSettings } from '../../cli/replay/partition-run.ts';
import { planReading, type AlertLog, type PartitionReading, type TimeRange } from '../../cli/replay/reading.ts';
import { rulesFromFile } from '../../processors/rules.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../schemas/raw-alert.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { jsonSerde } from '../../streams/serdes.ts';
import { topicNames } from '../../topologies/topics.ts';
import { AlertSystem } from './alert-system.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const GRACE_MS = MINUTE;
export const SKEW_MS = 5 * MINUTE;
const PARTITIONS = 2;

export type Rules = Readonly<Record<string, unknown>>;

/** An alert as it arrives. */
export interface Arrival {
  readonly arrivesMs: number;
  readonly alert: RawAlert;
}

export interface Replayed {
  readonly totals: ReplayTotals;
  readonly readings: readonly PartitionReading[];
  /** In the order in which they were handed on. */
  readonly events: Readonly<Record<Side, readonly LifecycleEvent[]>>;
}

/** Sends every alert when it arrives, then lets the clock run to the end. */
export async function runLive(rules: Rules, arrivals: readonly Arrival[], endMs: number): Promise<AlertSystem> {
  const startTimeMs = arrivals[0]?.arrivesMs ?? endMs;
  const system = await AlertSystem.start({ rules, driver: { startTimeMs, partitions: PARTITIONS } });
  for (const { arrivesMs, alert } of arrivals) {
    await system.until(arrivesMs);
    await system.send(alert);
  }
  await system.until(endMs);
  return system;
}

export function alertLogOf(system: AlertSystem): AlertLog {
  const { log } = system.driver;
  return {
    topic: 'raw-alerts',
    partitions: PARTITIONS,
    reader: log.client('replay').reader(),
    logAppendTime: true,
    offsetForTime: async (at, timeMs) => log.records(at).find(({ timestampMs }) => timestampMs >= timeMs)?.offset,
  };
}

/** Replays what the live system has on its log. `candidate`: rules to run beside those. */
export async function replayOf(
  system: AlertSystem,
  rules: Rules,
  range: TimeRange,
  candidate?: Rules,
  job: Partial<ReplayJob> = {},
): Promise<Replayed> {
  const log = alertLogOf(system);
  const settings = (of: Rules): RunSettings => ({
    topics: topicNames(),
    partitions: PARTITIONS,
    serdes: { rawAlert: jsonSerde(), lifecycleEvent: jsonSerde() },
    rules: rulesFromFile(of),
    graceMs: GRACE_MS,
    futureSkewMs: SKEW_MS,
    clockMs: system.driver.clock.now(),
  });
  const runs: { side: Side; settings: RunSettings }[] = [{ side: 'current', settings: settings(rules) }];
  if (candidate !== undefined) runs.push({ side: 'candidate', settings: settings(candidate) });
  const ruleSets = runs.map((run) => run.settings.rules);
  const readings = await planReading(log, readFromMsFor(range, ruleSets, { graceMs: GRACE_MS, futureSkewMs: SKEW_MS }));
  const states = { current: new MemoryBackendFactory(), candidate: new MemoryBackendFactory() };
  const events: Record<Side, LifecycleEvent[]> = { current: [], candidate: [] };
  const totals = await replay({
    ...{ log, readings, range, runs },
    states: (side) => states[side],
    onEvents: async (side, _partition, records) => {
      for (const { value } of records) events[side].push(jsonSerde<LifecycleEvent>().deserialize('', value));
    },
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...job,
  });
  return { totals, readings, events };
}
