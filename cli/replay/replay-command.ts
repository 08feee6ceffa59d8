/**
 * `alerts replay`: into a database, for counting only, or to compare two sets of rules.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { systemClock } from '../../connectors/system-clock.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { migrate } from '../../sink/migrate.ts';
import type { LogRecord } from '../../streams/ports.ts';
import type { CommandContext } from '../context.ts';
import { Comparison, type AlertDifference } from './comparison.ts';
import { EventWriter } from './event-writer.ts';
import type { RunSettings } from './partition-run.ts';
import { isFedLive, requireOwnDatabase, requireSteadyRules, targetUrl, type ReplayOptions } from './plan.ts';
import { prepare, type Prepared } from './prepare.ts';
import { resultText, type ReplayResult } from './result.ts';
import { runJob } from './run-job.ts';
import { ComparisonCounter, EventCounter } from './summary.ts';

export type { ReplayOptions } from './plan.ts';

export async function replayCommand(context: CommandContext, options: ReplayOptions): Promise<void> {
  const prepared = await prepare(context, options);
  const signal = context.interrupts();
  const result = await (prepared.candidate !== undefined && options.dryRun
    ? compare(prepared, prepared.candidate, options, context, signal)
    : options.dryRun
      ? countOnly(prepared, context, signal)
      : writeInto(prepared, options, context, signal));
  context.show(result, () => resultText(result));
}

const decoder =
  ({ eventSerde, services }: Prepared) =>
  ({ value }: LogRecord): LifecycleEvent =>
    eventSerde.deserialize(services.topics.alertEvents, value);

async function countOnly(prepared: Prepared, context: CommandContext, signal: AbortSignal): Promise<ReplayResult> {
  const { log, readings, range, current } = prepared;
  const counter = new EventCounter();
  const decode = decoder(prepared);
  const onEvents = async (_side: unknown, _partition: number, events: readonly LogRecord[]): Promise<void> => {
    for (const event of events) counter.add(decode(event));
  };
  const runs = [{ side: 'current', settings: current }] as const;
  const totals = await runJob({ log, readings, range, runs, onEvents, signal }, context.reporter);
  return { ...totals, range, events: counter.counts, written: undefined, comparison: undefined };
}

async function compare(
  prepared: Prepared,
  candidate: RunSettings,
  { report }: ReplayOptions,
  context: CommandContext,
  signal: AbortSignal,
): Promise<ReplayResult> {
  const { log, readings, range, current } = prepared;
  const counter = new ComparisonCounter();
  const currentEvents = new EventCounter();
  const file = report === undefined ? undefined : openSync(report, 'w', 0o600);
  const comparison = new Comparison((difference: AlertDifference) => {
    counter.difference(difference);
    if (file !== undefined) writeSync(file, `${JSON.stringify(difference)}\n`);
  });
  const decode = decoder(prepared);
  try {
    const runs = [
      { side: 'current', settings: current },
      { side: 'candidate', settings: candidate },
    ] as const;
    const totals = await runJob(
      {
        ...{ log, readings, range, runs, signal },
        onEvents: async (side, _partition, events) => {
          for (const record of events) {
            const event = decode(record);
            if (side === 'current') currentEvents.add(event);
            counter.event(side, event);
            comparison.add(side, event);
          }
        },
      },
      context.reporter,
    );
    comparison.finish();
    return { ...totals, range, events: currentEvents.counts, written: undefined, comparison: counter.summary };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function writeInto(
  prepared: Prepared,
  { into, force }: ReplayOptions,
  context: CommandContext,
  signal: AbortSignal,
): Promise<ReplayResult> {
  const { services, log, readings, range, current, candidate, eventSerde } = prepared;
  const url = targetUrl(services.mysqlUrl, into);
  const database = services.openDatabase(url);
  const target = { database, alertEventsTopic: services.topics.alertEvents };
  if (into !== undefined) await migrate(url, services.logger);
  if (candidate !== undefined) await requireOwnDatabase(target);
  else if (force !== true) await requireSteadyRules(target, log, readings, prepared.rulesChangedMs);
  const writer = new EventWriter({
    ...target,
    ...{ deserializer: eventSerde, clock: systemClock, signal },
    replayId: `${Date.now()}-${process.pid}`,
  });
  const counter = new EventCounter();
  const decode = decoder(prepared);
  try {
    const runs = [{ side: 'current', settings: candidate ?? current }] as const;
    const onEvents = async (_side: unknown, partition: number, events: readonly LogRecord[]): Promise<void> => {
      await writer.write(partition, events);
      for (const event of events) counter.add(decode(event));
    };
    const totals = await runJob({ log, readings, range, runs, onEvents, signal }, context.reporter);
    const live = await isFedLive(target);
    const written = { database: new URL(url).pathname.slice(1), refused: writer.refused, live };
    return { ...totals, range, events: counter.counts, written, comparison: undefined };
  } finally {
    await writer.close();
  }
}
