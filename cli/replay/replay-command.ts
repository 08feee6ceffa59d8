/**
 * `alerts replay`: into a database, for counting only, or to compare two sets of rules.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { systemClock } from '../../connectors/system-clock.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { migrate } from '../../sink/migrate.ts';
import type { LogRecord } from '../../streams/ports.ts';
import type { CommandContext } from '../context.ts';
import { NOBODY, readActedOn, type ActedOn } from './acted-on.ts';
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
  const actedOn = await actedOnOf(prepared, signal);
  const take = (): Promise<void> => Promise.resolve();
  const done = await runOne(prepared, prepared.current, actedOn, take, context, signal);
  return { ...done, written: undefined, comparison: undefined };
}

const actedOnOf = ({ services, range, readFromMs, eventSerde }: Prepared, signal: AbortSignal): Promise<ActedOn> =>
  readActedOn({ services, range, readFromMs, eventSerializer: eventSerde, signal });

/** One set of rules; `take` gets every event of the stretch, those of alerts that people acted on as they are. */
async function runOne(
  prepared: Prepared,
  settings: RunSettings,
  actedOn: ActedOn,
  take: (partition: number, events: readonly LogRecord[]) => Promise<void>,
  context: CommandContext,
  signal: AbortSignal,
): Promise<Omit<ReplayResult, 'written' | 'comparison'>> {
  const { log, readings, range } = prepared;
  const counter = new EventCounter();
  const decode = decoder(prepared);
  const handOn = async (partition: number, events: readonly LogRecord[]): Promise<void> => {
    await take(partition, events);
    for (const event of events) counter.add(decode(event));
  };
  for (const [partition, events] of actedOn.events) await handOn(partition, events);
  const onEvents = (_side: unknown, partition: number, events: readonly LogRecord[]): Promise<void> => {
    const { alertIds } = actedOn;
    const decided = alertIds.size === 0 ? events : events.filter((event) => !alertIds.has(decode(event).alertId));
    return handOn(partition, decided);
  };
  const runs = [{ side: 'current', settings }] as const;
  const totals = await runJob({ log, readings, range, runs, onEvents, signal }, context.reporter);
  return { ...totals, range, events: counter.counts, actedOn: actedOn.alertIds.size };
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
    const done = { ...totals, range, events: currentEvents.counts, actedOn: 0 };
    return { ...done, written: undefined, comparison: counter.summary };
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
  const { services, log, readings, current, candidate, eventSerde } = prepared;
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
  try {
    const actedOn = candidate === undefined ? await actedOnOf(prepared, signal) : NOBODY;
    const take = (partition: number, events: readonly LogRecord[]): Promise<void> => writer.write(partition, events);
    const done = await runOne(prepared, candidate ?? current, actedOn, take, context, signal);
    const live = await isFedLive(target);
    const written = { database: new URL(url).pathname.slice(1), refused: writer.refused, live };
    return { ...done, written, comparison: undefined };
  } finally {
    await writer.close();
  }
}
