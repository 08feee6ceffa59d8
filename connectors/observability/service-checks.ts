/**
 * Whether the services that a process needs answer.
 */
import type { LogAdmin } from '../../streams/ports.ts';
import type { MysqlDatabase } from '../mysql/database.ts';
import type { HealthCheck } from './health-checks.ts';

/** Kafka answers and has the topic. */
export const kafkaCheck =
  (admin: LogAdmin, topic: string): HealthCheck =>
  async () => {
    const counts = await admin.partitionCounts([topic]);
    if (!counts.has(topic)) throw new Error(`topic ${topic} does not exist`);
  };

export const databaseCheck =
  (database: MysqlDatabase): HealthCheck =>
  async () => {
    await database.query('SELECT 1');
  };
