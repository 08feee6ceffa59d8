#!/usr/bin/env node
/**
 * The loads of the logs on the whole system: processor, sink and gateway as processes, on the services of the environment.
 *
 *     node bench/logs/run.ts [--only gateway|topic|evaluation] [--seconds 60] [--out bench/results/logs.json]
 *
 * Invariant: a load passes only when every log was evaluated once, stored once and, where it is an error, counted once.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { machine, versions } from '../support/machine.ts';
import { rounded, summarizeLatencies } from '../support/statistics.ts';
import { type Lag, LogSystem } from './log-system.ts';
import { onTheTopic } from './on-the-topic.ts';
import { throughTheGateway } from './through-the-gateway.ts';

const LOADS = {
  gateway: { logsPerSecond: 1_000, seconds: 60, offer: throughTheGateway },
  topic: { logsPerSecond: 50_000, seconds: 20, offer: onTheTopic },
  /** As `topic`, with the writing of the tables put off until all is evaluated. */
  evaluation: { logsPerSecond: 50_000, seconds: 20, offer: onTheTopic },
} as const;
type LoadName = keyof typeof LOADS;

const { only, seconds, out } = new Command('node bench/logs/run.ts')
  .description('Offers logs to the system and reports evaluation latency, lag and what was lost.')
  .addOption(new Option('--only <load>', 'one of the loads').choices(Object.keys(LOADS)))
  .option('--seconds <seconds>', 'how long to offer each load', Number)
  .option('--out <file>', 'where the results are kept', 'bench/results/logs.json')
  .parse()
  .opts<{ only?: LoadName; seconds?: number; out: string }>();

const most = (lags: readonly Lag[], of: keyof Lag): number => Math.max(0, ...lags.map((lag) => lag[of]));

async function measure(name: LoadName): Promise<object> {
  const load = LOADS[name];
  const system = await LogSystem.start();
  try {
    if (name === 'evaluation') await system.pauseTables();
    const { lags, sent, errors, accepted, offeredSeconds, ...more } = await load.offer(
      system,
      load.logsPerSecond,
      seconds ?? load.seconds,
    );
    const evaluationDrainSeconds = await system.drained('evaluation');
    if (name === 'evaluation') system.resumeTables();
    const tablesDrainSeconds = await system.drained('tables');
    // The last counts of errors are told a second after the last error.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const arrived = await system.arrived();
    const lost = {
      evaluated: sent - arrived.evaluated,
      stored: sent - arrived.stored,
      errorsCounted: errors - arrived.errorsCounted,
      deadLetters: arrived.deadLetters,
    };
    return {
      date: new Date().toISOString(),
      logsPerSecondOffered: load.logsPerSecond,
      ...{
        sent,
        accepted,
        offeredSeconds: rounded(offeredSeconds, 4),
        logsPerSecond: Math.round(sent / offeredSeconds),
      },
      ...more,
      evaluationLatency: summarizeLatencies(await system.alertLatenciesMs()),
      lag: {
        evaluationMostRecords: most(lags, 'evaluation'),
        evaluationDrainSeconds: rounded(evaluationDrainSeconds),
        tablesMostRecords: most(lags, 'tables'),
        tablesDrainSeconds: rounded(evaluationDrainSeconds + tablesDrainSeconds),
      },
      lost,
    };
  } finally {
    await system.close();
  }
}

const results: Record<string, unknown> = existsSync(out)
  ? (JSON.parse(readFileSync(out, 'utf8')) as Record<string, unknown>)
  : {};
let isComplete = true;
for (const name of only === undefined ? (Object.keys(LOADS) as LoadName[]) : [only]) {
  const result = await measure(name);
  console.log(name, JSON.stringify(result, undefined, 2));
  const { lost } = result as { lost: Record<string, number> };
  isComplete &&= Object.values(lost).every((count) => count === 0);
  results[name] = result;
}
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, `${JSON.stringify({ ...results, machine: machine(), versions: versions() }, undefined, 2)}\n`);
if (!isComplete) console.error('Something was lost or repeated; see above.');
process.exit(isComplete ? 0 : 1);
