/**
 * What every benchmark does with the broker: make topics, fill them, read them.
 */
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import { lifecycleEventSchema, rawAlertSchema } from '../../schemas/avro.ts';
import { partitionForKey } from '../../streams/partitioner.ts';
import { silentLogger } from '../../streams/testing/silent.ts';
import { alerts, type AlertsSpec } from './alerts.ts';

/** Peers do not ask the registry, and neither does a benchmark: these ids are only headers. */
export const RAW_ALERT_ID = 1;
export const LIFECYCLE_EVENT_ID = 1;

export const rawAlertSerde = () => avroSerde({ schema: rawAlertSchema, schemaId: RAW_ALERT_ID });
export const lifecycleEventSerde = () => avroSerde({ schema: lifecycleEventSchema, schemaId: LIFECYCLE_EVENT_ID });

export const benchClient = (brokers: readonly string[], clientId: string): KafkaLogClient =>
  new KafkaLogClient({ brokers, clientId, logger: silentLogger });

export async function createTopic(client: KafkaLogClient, name: string, partitions: number): Promise<void> {
  const admin = client.admin();
  await admin.createTopics([{ name, partitions, config: { 'retention.ms': '-1' } }]);
  await admin.close();
}

const TRANSACTION_BYTES = 8 * 1024 * 1024;

/** Fills a topic with alerts, keyed by driver. */
export async function produceAlerts(
  client: KafkaLogClient,
  topic: string,
  partitions: number,
  spec: AlertsSpec,
): Promise<void> {
  const serde = rawAlertSerde();
  const producer = client.producer(`bench-fill-${topic}`);
  await producer.init();
  for (const alert of alerts(spec)) {
    const key = Buffer.from(alert.driverId);
    producer.append(topic, partitionForKey(key, partitions), key, serde.serialize(topic, alert), alert.timestamp);
    if (producer.pendingBytes >= TRANSACTION_BYTES) await producer.commit('bench-fill', []);
  }
  await producer.commit('bench-fill', []);
  await producer.close();
}
