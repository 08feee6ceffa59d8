/**
 * What makes a stream application of a topology: its id, its share of the process and how its parts are put together.
 *
 * Invariant: applications know nothing of each other. Each has its own group, state folder, internal topics and stream threads, so
 * they run in one process or in several and do the same.
 */
import type { ProcessorConfig } from '../../connectors/config/processes.ts';
import type { SchemaRegistryClient } from '../../connectors/registry/schema-registry-client.ts';
import type { Topology } from '../../streams/topology.ts';

export interface ApplicationParts {
  readonly config: ProcessorConfig;
  readonly registry: SchemaRegistryClient;
  /** Undefined for a topic that does not exist. */
  readonly partitionsOf: (topic: string) => Promise<number | undefined>;
}

export interface Application {
  /** The application id without the topic prefix; kept for the life of its data. */
  readonly id: string;
  /** Stream threads in this process. */
  threads(config: ProcessorConfig): number;
  /** Called in each stream thread. Rejects with an error of recovery `retry` when a service is away. */
  topology(parts: ApplicationParts): Promise<Topology>;
}
