/**
 * The engine, for those who write topologies and run or test them.
 *
 * Invariant: everything a user of the engine needs is exported here; what is not, may change without a word.
 */
export type { KafkaStreamsState, StateListener } from './client/client-state.ts';
export { KafkaStreams, type KafkaStreamsOptions, type UncaughtExceptionHandler } from './client/kafka-streams.ts';
export { localThreads } from './client/local-threads.ts';
export type { ClientQuery, KeyMetadata } from './client/query-router.ts';
export type { StateRestoreListener } from './client/restore-listener.ts';
export { defaultStreamsConfig, streamsConfig, type StreamsConfig } from './config.ts';
export { describeTopology, mermaidTopology } from './describe.ts';
export type * from './dsl/api.ts';
export { CalendarWindows, type CalendarUnit, type CalendarWindowsOptions } from './dsl/calendar-windows.ts';
export {
  FixedKeyRecord,
  type FixedKeyProcessor,
  type FixedKeyProcessorContext,
  type FixedKeyProcessorSupplier,
} from './dsl/fixed-key.ts';
export type * from './dsl/options.ts';
export {
  nullable,
  sessionWindowedSerde,
  timestampedSerde,
  timeWindowedSerde,
  type WindowedSerde,
} from './dsl/serdes.ts';
export { StreamsBuilder, type StreamsBuilderOptions } from './dsl/streams-builder.ts';
export { BufferConfig, Suppressed, type StrictBufferConfig, type SuppressedSettings } from './dsl/suppressed.ts';
export {
  JoinWindows,
  SessionWindows,
  SlidingWindows,
  TimeWindows,
  type AnyWindows,
  type EmitStrategy,
  type FixedWindows,
  type Window,
  type Windowed,
} from './dsl/windows.ts';
export {
  defaultErrorHandlers,
  type ErrorHandlers,
  type ErrorStage,
  type FailedRecord,
  type HandlerResponse,
  type RecordErrorHandler,
} from './error-handlers.ts';
export * from './errors.ts';
export type * from './processor.ts';
export type { Clock, LogClient, Logger, Metrics, StateBackend, StateBackendFactory } from './ports.ts';
export type { Query, QueryAnswer, QueryBounds, QueryEntry, StoreQuery } from './queries/query.ts';
export { QueryError } from './queries/query-error.ts';
export type { HeaderList, Record, RecordMetadata } from './record.ts';
export type { Deserializer, Serde, Serializer } from './serde.ts';
export { bytesSerde, float64Serde, int64Serde, jsonSerde, stringSerde } from './serdes.ts';
export type * from './state-store-timed.ts';
export type * from './state-store.ts';
export { InMemoryLog } from './testing/in-memory-log.ts';
export { silentLogger, silentMetrics } from './testing/silent.ts';
export {
  TopologyTestDriver,
  type TestInputOptions,
  type TestInputTopic,
  type TestOutputTopic,
  type TestRecord,
  type TopologyTestDriverOptions,
} from './testing/topology-test-driver.ts';
export { VirtualClock } from './testing/virtual-clock.ts';
export type { UncaughtExceptionResponse } from './thread-options.ts';
export * from './topology.ts';
