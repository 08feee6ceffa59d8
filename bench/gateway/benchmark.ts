/**
 * The gateway in front of the running system: what an alert's answer takes at fixed rates, and how many requests per second it answers
 * at most.
 *
 * Invariant: every request is an alert whose answer waits for the alert's committed state; answers other than 201 are counted and shown.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { AlertProcesses } from '../../test/support/alert-processes.ts';
import type { Benchmark, BenchmarkContext, Result } from '../suite/benchmark.ts';
import { inOwnDatabase } from '../support/database.ts';
import { summarizeLatencies } from '../support/statistics.ts';
import { alertBody, openLoop } from './open-loop.ts';

const DRIVERS = 5_000;
const CONNECTIONS = 64;

const plan = {
  full: { rates: [10, 100, 200], seconds: 30, warmupSeconds: 5, closedSeconds: 20 },
  tiny: { rates: [20], seconds: 2, warmupSeconds: 0, closedSeconds: 1 },
} as const;

async function atFixedRate(url: string, rate: number, size: BenchmarkContext['size']): Promise<Result> {
  const { seconds, warmupSeconds } = plan[size];
  const { latenciesMs, ...rest } = await openLoop({ url, rate, seconds, warmupSeconds, drivers: DRIVERS });
  return { rate, ...rest, latency: summarizeLatencies(latenciesMs) };
}

/** As many requests as come back: each connection sends its next alert when the last one is answered. */
async function atMost(url: string, seconds: number): Promise<Result> {
  let index = 0;
  const run = randomBytes(4).toString('hex');
  const result = await autocannon({
    url: `${url}/process-alert`,
    connections: CONNECTIONS,
    duration: seconds,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    requests: [{ setupRequest: (request) => ({ ...request, body: alertBody(run, index++, DRIVERS) }) }],
  });
  const { requests, latency, non2xx, errors } = result;
  return {
    connections: CONNECTIONS,
    requestsPerSecond: requests.average,
    latency: { p50Ms: latency.p50, p90Ms: latency.p90, p99Ms: latency.p99 },
    non2xx,
    errors,
  };
}

export const gatewayLatency: Benchmark = {
  name: 'gateway',
  shows: 'what the answer to one alert takes at fixed rates, and requests per second at most',
  run: ({ addresses, size, say }) =>
    inOwnDatabase(addresses.mysql, async (mysqlUrl) => {
      const rules = JSON.parse(readFileSync(join(import.meta.dirname, '../../rules.json'), 'utf8')) as object;
      const prefix = `bench-gateway-${randomBytes(4).toString('hex')}-`;
      const processes = await AlertProcesses.prepare(prefix, mysqlUrl, rules);
      try {
        processes.start('processor', 'sink', 'gateway');
        await processes.ready();
        const fixedRates: Result[] = [];
        for (const rate of plan[size].rates) {
          const result = await atFixedRate(processes.gatewayUrl, rate, size);
          say(`${rate} requests/s: ${JSON.stringify(result)}`);
          fixedRates.push(result);
        }
        return { fixedRates, atMost: await atMost(processes.gatewayUrl, plan[size].closedSeconds) };
      } finally {
        await processes.close();
      }
    }),
};
