/**
 * What every process tells about itself beyond prom-client's own figures: the memory it may have, and how its database connections
 * are used.
 *
 * Invariant: the limit is that of the container where there is one, else the machine's memory, so that the share in use means the same
 * everywhere.
 */
import { totalmem } from 'node:os';
import type { Measurement } from '../../streams/ports.ts';
import type { PoolUse } from '../mysql/database.ts';

export const memoryLimitBytes = (): number => {
  // Without a limit this is 0 or more than any machine has.
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
};

export const processMeasurements = (): readonly Measurement[] => [
  gauge('process_memory_limit_bytes', memoryLimitBytes()),
];

export const poolMeasurements = ({ used, waiting, limit }: PoolUse): readonly Measurement[] => [
  gauge('database_pool_connections_used', used),
  gauge('database_pool_connections_limit', limit),
  gauge('database_pool_waiting', waiting),
];

const gauge = (name: string, value: number): Measurement => ({ name, labels: {}, value });
