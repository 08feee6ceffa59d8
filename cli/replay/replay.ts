/**
 * Runs the topology over what was planned to be read, partition by partition, and hands on the events of the stretch of time.
 *
 * Invariants: events of a partition are handed on in the order in which they were made, the next ones only after the last were taken.
 * With two sets of rules both get every batch before either gets the next, so what one is ahead of the other stays small.
 */
import type { FetchedBatch, LogRecord, StateBackend, StateBackendFactory } from '../../streams/ports.ts';
import { interruption } from '../exit-codes.ts';
import type { Side } from './comparison.ts';
import { PartitionRun, type RunSettings } from './partition-run.ts';
import { isWithin, type AlertLog, type PartitionReading, type TimeRange } from './reading.ts';

export interface ReplayJob {
  readonly log: AlertLog;
  readonly readings: readonly PartitionReading[];
  /** Events of this time are handed on; others are made, since later ones depend on them, and dropped. */
  readonly range: TimeRange;
  /** One set of rules, or the two to compare. */
  readonly runs: readonly { readonly side: Side; readonly settings: RunSettings }[];
  /** Where a run keeps its state; emptied when its partition is done. */
  readonly states: (side: Side) => StateBackendFactory;
  readonly onEvents: (side: Side, partition: number, events: readonly LogRecord[]) => Promise<void>;
  readonly onProgress: (totals: ReplayTotals) => void;
  readonly signal: AbortSignal;
}

export interface ReplayTotals {
  /** Offsets read. */
  readonly read: number;
  /** Offsets to read in all. */
  readonly toRead: number;
  /** Records that went to the dead letters, with the first set of rules. */
  readonly deadLetters: number;
}

/** Partitions at a time: enough to compute one while others wait for the log or the database. */
export const MAX_PARTITIONS_AT_ONCE = 4;

/** Rejects with an interruption when the signal aborts. */
export async function replay(job: ReplayJob): Promise<ReplayTotals> {
  const totals = {
    read: 0,
    toRead: job.readings.reduce((sum, { start, end }) => sum + end - start, 0),
    deadLetters: 0,
  };
  const waiting = job.readings.filter(({ start, end }) => start < end).values();
  const failing = new AbortController();
  const stop = AbortSignal.any([job.signal, failing.signal]);
  const work = async (): Promise<void> => {
    try {
      for (const reading of waiting) await replayPartition({ ...job, signal: stop }, reading, totals);
    } catch (error) {
      failing.abort();
      throw error;
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: MAX_PARTITIONS_AT_ONCE }, work));
  if (job.signal.aborted) throw interruption('The replay was interrupted; run again, it begins anew.');
  const failed = workers.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return totals;
}

type Totals = { -readonly [Name in keyof ReplayTotals]: ReplayTotals[Name] };

async function replayPartition(job: ReplayJob, reading: PartitionReading, totals: Totals): Promise<void> {
  const { partition, start, end } = reading;
  const opened: { side: Side; run: PartitionRun }[] = [];
  try {
    for (const { side, settings } of job.runs) {
      opened.push({
        side,
        run: await PartitionRun.open(settings, partition, reading, await stateOf(job, side, partition)),
      });
    }
    let position = start;
    const onBatch = async (batch: FetchedBatch): Promise<void> => {
      for (const [index, { side, run }] of opened.entries()) {
        for await (const { events, deadLetters } of run.feed(batch)) {
          if (index === 0) totals.deadLetters += deadLetters;
          const wanted = events.filter(({ timestampMs }) => isWithin(job.range, timestampMs));
          if (wanted.length > 0) await job.onEvents(side, partition, wanted);
          job.signal.throwIfAborted();
        }
      }
      totals.read += batch.nextOffset - position;
      position = batch.nextOffset;
      job.onProgress(totals);
    };
    await job.log.reader.read({ topic: job.log.topic, partition }, start, end, onBatch, job.signal);
    job.signal.throwIfAborted();
  } finally {
    for (const { side, run } of opened) {
      await run.close();
      await job.states(side).destroy(stateName(partition));
    }
  }
}

const stateName = (partition: number): string => `partition-${partition}`;

const stateOf = (job: ReplayJob, side: Side, partition: number): Promise<StateBackend> =>
  job.states(side).open(stateName(partition));
