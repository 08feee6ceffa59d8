/**
 * The time from a request to its 201 at a fixed rate, against a running stack.
 *
 * Usage: node bench/gateway/latency.ts [--url http://127.0.0.1:4000] [--rate 200] [--seconds 30] [--warmup 5] [--drivers 5000]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { quantile, sorted } from '../support/statistics.ts';
import { openLoop } from './open-loop.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: `http://127.0.0.1:${process.env['GATEWAY_PORT'] ?? '4000'}` },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
    warmup: { type: 'string', default: '5' },
    drivers: { type: 'string', default: '5000' },
  },
});
const [rate, seconds, warmupSeconds, drivers] = [values.rate, values.seconds, values.warmup, values.drivers].map(
  Number,
) as [number, number, number, number];

const result = await openLoop({ url: values.url, rate, seconds, warmupSeconds, drivers });
const ascending = sorted(result.latenciesMs);
console.log(`${rate} requests/s for ${seconds} s, ${drivers} drivers, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}`);
console.log(`answered ${ascending.length} at ${result.answeredPerSecond}/s`);
for (const [answer, count] of Object.entries(result.answers).sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`  ${answer}: ${count}`);
for (const [name, share] of Object.entries({ p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999, max: 1 })) {
  console.log(`${name.padEnd(6)} ${quantile(ascending, share).toFixed(1)} ms`);
}
