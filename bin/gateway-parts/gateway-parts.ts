/**
 * What the parts of a gateway are made of.
 */
import type { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import type { Clock, LogAdmin, Logger, LogProducer, Metrics } from '../../connectors/log.ts';
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import type { SchemaRegistryClient } from '../../connectors/registry/schema-registry-client.ts';
import type { RandomBytes } from '../../gateway/alerts/uuid-v7.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import type { ProducedPlaces } from '../../gateway/drivers/produced-places.ts';
import type { IdempotencyStore } from '../../gateway/idempotency/idempotency.ts';
import type { ReadModel } from '../../sink/read-model.ts';

export interface GatewayPartsOptions {
  readonly config: GatewayConfig;
  readonly kafka: KafkaLogClient;
  readonly producer: LogProducer;
  /** Where the alerts that this gateway sent went. */
  readonly alertPlaces: ProducedPlaces;
  readonly admin: LogAdmin;
  readonly registry: SchemaRegistryClient;
  readonly database: MysqlDatabase;
  readonly readModel: ReadModel;
  readonly idempotencyStore: IdempotencyStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly random: RandomBytes;
}
