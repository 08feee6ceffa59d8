/**
 * Offers logs to the batch endpoint at a fixed rate, whatever the answers do: an open loop.
 *
 * Invariant: every batch has its moment beforehand, and its latency counts from that moment, so a slow answer delays nobody's clock.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { summarizeLatencies } from '../support/statistics.ts';
import { isError, randomLogs } from './random-logs.ts';
import type { Lag, LogSystem } from './log-system.ts';

const BATCH = 100;
const SERVICES = 20;

export async function throughTheGateway(system: LogSystem, logsPerSecond: number, seconds: number) {
  const source = randomLogs(1, SERVICES);
  const everyMs = (BATCH * 1000) / logsPerSecond;
  const batches = Math.round((logsPerSecond * seconds) / BATCH);
  const answersMs: number[] = [];
  const lags: Lag[] = [];
  let errors = 0;
  let accepted = 0;
  const startMs = performance.now();
  const running: Promise<void>[] = [];
  const sampling = new AbortController();
  const sampled = sampleLag(system, lags, sampling.signal);
  for (let batch = 0; batch < batches; batch += 1) {
    const dueMs = startMs + batch * everyMs;
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    const logs = Array.from({ length: BATCH }, () => source.next().value);
    errors += logs.filter(isError).length;
    const answered = system.post('/api/logs/batch', logs).then((answer) => {
      accepted += (answer as { count: number }).count;
      answersMs.push(performance.now() - dueMs);
    });
    running.push(answered);
  }
  await Promise.all(running);
  const offeredSeconds = (performance.now() - startMs) / 1000;
  sampling.abort();
  await sampled;
  return { sent: batches * BATCH, accepted, errors, offeredSeconds, answers: summarizeLatencies(answersMs), lags };
}

/** Once a second until the signal aborts. */
export async function sampleLag(system: LogSystem, lags: Lag[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    lags.push(await system.lag());
    await sleep(1_000, undefined, { signal }).catch(() => undefined);
  }
}
