/** What gateway tests share: an in-memory log, a stand-in for the processor, records as JSON bytes. */
import type { Deserializer, LogClient, LogFields, Logger, Serializer } from '../../../connectors/log.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import type { AlertStatus } from '../../../schemas/vocabulary.ts';

export const RAW = 'raw-alerts';
export const EVENTS = 'alert-events';

export const jsonSerde = <T>(): Serializer<T> & Deserializer<T> => ({
  serialize: (_topic, data) => Buffer.from(JSON.stringify(data)),
  deserialize: (_topic, data) => JSON.parse(Buffer.from(data ?? []).toString()) as T,
});

export const event = (alert: RawAlert, sequence: number, newStatus: AlertStatus): LifecycleEvent => ({
  eventId: `${alert.alertId}:${sequence}`,
  alertId: alert.alertId ?? '',
  sequence,
  eventType: sequence === 1 ? 'CREATED' : 'ESCALATED',
  reason: 'test',
  oldStatus: sequence === 1 ? null : 'OPEN',
  newStatus,
  driverId: alert.driverId,
  sourceType: alert.sourceType,
  severity: 'medium',
  timestamp: alert.timestamp,
  metadata: '{}',
  alertTimestamp: alert.timestamp,
  alertMetadata: alert.metadata,
});

/** Decides on every raw alert: the statuses that follow one another in one transaction; none for a repeated id. */
export type Decide = (alert: RawAlert) => readonly AlertStatus[];

/** How the stand-in reads and writes. */
export interface DecisionFormat {
  readonly raw: string;
  readonly events: string;
  readonly alertSerde: Deserializer<RawAlert>;
  readonly eventSerde: Serializer<LifecycleEvent>;
}

const jsonFormat: DecisionFormat = { raw: RAW, events: EVENTS, alertSerde: jsonSerde(), eventSerde: jsonSerde() };

/** Stands in for the processor: reads every raw alert and commits the events of each batch in one transaction, until the signal aborts. */
export const decideOnAlerts = async (
  log: LogClient,
  decide: Decide,
  signal: AbortSignal,
  { raw, events, alertSerde, eventSerde }: DecisionFormat = jsonFormat,
): Promise<void> => {
  const count = (await log.admin().partitionCounts([raw])).get(raw) ?? 0;
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic: raw, partition, offset: 0 }));
  const producer = log.producer(`stand-in-${raw}`);
  await producer.init();
  await log.reader().follow(
    partitions,
    async ({ partition, records }) => {
      await alertSerde.prepare?.(raw, records);
      for (const { key, value } of records) {
        const alert = alertSerde.deserialize(raw, value);
        decide(alert).forEach((status, index) => {
          const bytes = eventSerde.serialize(events, event(alert, index + 1, status));
          producer.append(events, partition, key, bytes, alert.timestamp);
        });
      }
      await producer.commit(`stand-in-${raw}`, []);
    },
    signal,
  );
};

export interface LogLine {
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps what is logged. */
export const recordingLogger = (): Logger & { readonly lines: LogLine[] } => {
  const lines: LogLine[] = [];
  const note = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
  const logger = { lines, debug: note, info: note, warn: note, error: note, child: () => logger };
  return logger;
};
