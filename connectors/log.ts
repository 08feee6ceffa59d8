/**
 * The engine's ports and errors under the connectors' roof, for the folders that may not import `streams/`: sink and gateway.
 *
 * Invariant: re-exports only, so there is one definition of every port and one class of every error.
 */
export type {
  Clock,
  Counter,
  FetchedBatch,
  Gauge,
  GroupConsumer,
  Histogram,
  LogAdmin,
  LogClient,
  LogFields,
  Logger,
  LogProducer,
  LogRange,
  LogReader,
  LogRecord,
  Measurement,
  MetricLabels,
  Metrics,
  PartitionAssignor,
  ProducedRecord,
  TopicPartition,
  TopicSpec,
} from '../streams/ports.ts';
export type { HeaderList } from '../streams/record.ts';
export type { Deserializer, Serde, Serializer } from '../streams/serde.ts';
export { deadLetterHeaders } from '../streams/error-handlers.ts';
export {
  FatalLogError,
  OffsetOutOfRangeError,
  recoveryOf,
  RetriableLogError,
  StreamsError,
} from '../streams/errors.ts';
export { topicPartitionKey } from '../streams/ports.ts';
export { partitionForKey } from '../streams/partitioner.ts';
export { jsonSerde } from '../streams/serdes.ts';
