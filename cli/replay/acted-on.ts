/**
 * The alerts that people acted on. What somebody acknowledged, resolved or said cannot be decided again by rules, so these alerts keep
 * the events that they have.
 *
 * Invariant: of an alert that was acted on, all events come from the log of events and none from the replay, so its story is whole
 * and its sequence numbers mean what they meant.
 */
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { LogRecord, TopicPartition } from '../../streams/ports.ts';
import type { Serializer } from '../../streams/serde.ts';
import type { Services } from '../services.ts';
import { isWithin, type TimeRange } from './reading.ts';

export interface ActedOn {
  readonly alertIds: ReadonlySet<string>;
  /** Their events of the stretch as the live job made them, in order; by partition. */
  readonly events: ReadonlyMap<number, readonly LogRecord[]>;
}

export const NOBODY: ActedOn = { alertIds: new Set(), events: new Map() };

export interface ActedOnOptions {
  readonly services: Services;
  readonly range: TimeRange;
  /** Append time to begin at; -Infinity for the beginning of the log. */
  readonly readFromMs: number;
  /** Of the events as they are handed on. */
  readonly eventSerializer: Serializer<LifecycleEvent>;
  readonly signal: AbortSignal;
}

export async function readActedOn(options: ActedOnOptions): Promise<ActedOn> {
  const { services, range, signal } = options;
  const commanded = await commandedAlerts(services, signal);
  if (commanded.size === 0) return NOBODY;
  const alertIds = new Set([...commanded.values()].flatMap((ids) => [...ids]));
  const events = new Map<number, LogRecord[]>();
  for (const partition of commanded.keys()) {
    const found = (await eventsOf(alertIds, partition, options)).filter(({ timestampMs }) =>
      isWithin(range, timestampMs),
    );
    if (found.length > 0) events.set(partition, found);
  }
  return { alertIds, events };
}

/** The ids of alerts that there are commands on, by partition. Commands that cannot be read were never carried out. */
async function commandedAlerts(
  { admin, reader, topics, alertCommandSerde }: Services,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const topic = topics.alertCommands;
  const partitions = (await admin.partitionCounts([topic])).get(topic) ?? 0;
  const commanded = new Map<number, Set<string>>();
  for (let partition = 0; partition < partitions; partition += 1) {
    const at = { topic, partition };
    const { beginning, end } = await reader.range(at);
    if (beginning === end) continue;
    const serde = await alertCommandSerde();
    const ids = new Set<string>();
    const onBatch = async ({ records }: { readonly records: readonly LogRecord[] }): Promise<void> => {
      await serde.prepare?.(topic, records);
      for (const record of records) {
        const alertId = readOrUndefined(() => serde.deserialize(topic, record.value, record.headers).alertId);
        if (alertId !== undefined) ids.add(alertId);
      }
    };
    await reader.read(at, beginning, end, onBatch, signal);
    if (ids.size > 0) commanded.set(partition, ids);
  }
  return commanded;
}

async function eventsOf(
  alertIds: ReadonlySet<string>,
  partition: number,
  { services, readFromMs, eventSerializer, signal }: ActedOnOptions,
): Promise<LogRecord[]> {
  const { admin, reader, topics } = services;
  const at: TopicPartition = { topic: topics.alertEvents, partition };
  const { beginning, end } = await reader.range(at);
  const from = readFromMs > 0 ? ((await admin.offsetForTime(at, readFromMs)) ?? end) : beginning;
  const serde = await services.lifecycleEventSerde();
  const found: LogRecord[] = [];
  const onBatch = async ({ records }: { readonly records: readonly LogRecord[] }): Promise<void> => {
    await serde.prepare?.(at.topic, records);
    for (const record of records) {
      const event = readOrUndefined(() => serde.deserialize(at.topic, record.value, record.headers));
      if (event === undefined || !alertIds.has(event.alertId)) continue;
      // A copy: the serializer uses its bytes again for the next one.
      const value = Uint8Array.from(eventSerializer.serialize(at.topic, event) ?? []);
      found.push({ ...record, value, timestampMs: event.timestamp, headers: undefined });
    }
  };
  if (from < end) await reader.read(at, Math.max(from, beginning), end, onBatch, signal);
  return found;
}

/** What cannot be read went to the dead letters, live. */
function readOrUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
