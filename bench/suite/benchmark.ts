/**
 * What a benchmark is to the suite: a name, what it shows, and a run at one of two sizes that answers plain data.
 *
 * Invariant: `tiny` takes the same code path as `full` within a few seconds, so that a benchmark that no longer works is seen
 * by the tests.
 */
import type { Addresses } from '../../infra/local-stack/settings.ts';
import type { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';

export type Size = 'full' | 'tiny';

export interface BenchmarkContext {
  readonly addresses: Addresses;
  /** Connected to the broker; the suite closes it. */
  readonly client: KafkaLogClient;
  readonly size: Size;
  /** Rounds of each engine where engines alternate. */
  readonly rounds: number;
  /** The built Kafka Streams peer; undefined where there is none, which the results then say. */
  readonly peer: string | undefined;
  /** Process id of the broker where it runs on this machine. */
  readonly brokerPid: number | undefined;
  /** One line of progress. */
  readonly say: (line: string) => void;
}

/** Plain data for JSON. */
export type Result = Readonly<Record<string, unknown>>;

export interface Benchmark {
  /** The key of its result. */
  readonly name: string;
  readonly shows: string;
  readonly run: (context: BenchmarkContext) => Promise<Result>;
}
