/**
 * All benchmarks, in the order they run. Invariant: names are unique, for each is the key of its result.
 */
import { gatewayLatency } from '../gateway/benchmark.ts';
import { endToEndLatency } from '../latency/benchmark.ts';
import { otherPeers } from '../peers/benchmark.ts';
import { sinkRows } from '../sink/benchmark.ts';
import { documentedForm, keys, length, threads, throughput } from '../throughput/benchmark.ts';
import type { ComparisonSpec } from '../throughput/compare.ts';
import { timers } from '../timers/benchmark.ts';
import type { Benchmark } from './benchmark.ts';

/** `overrides`: of the main comparison alone. */
export const suite = (overrides: Partial<ComparisonSpec> = {}): readonly Benchmark[] => [
  throughput(overrides),
  documentedForm,
  threads,
  keys,
  length,
  timers,
  endToEndLatency,
  gatewayLatency,
  sinkRows,
  otherPeers,
];
