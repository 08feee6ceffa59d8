/**
 * The time from a request to its 201 at a fixed rate, against a running stack.
 *
 * Open loop: requests are due on a fixed schedule, and a latency counts from when its request was due, not from when it could
 * be sent. A stall therefore shows in every request that it delayed; waiting for answers before sending more would hide it.
 *
 * Usage: node bench/gateway/latency.ts [--url http://127.0.0.1:4000] [--rate 200] [--seconds 30] [--warmup 5] [--drivers 5000]
 */
import { Agent, request } from 'node:http';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const MAX_CONNECTIONS = 256;

interface Sample {
  readonly latencyMs: number;
  /** `201 OPEN`, or the error in a word. */
  readonly answer: string;
}

const options = {
  url: { type: 'string', default: `http://127.0.0.1:${process.env['GATEWAY_PORT'] ?? '4000'}` },
  rate: { type: 'string', default: '200' },
  seconds: { type: 'string', default: '30' },
  warmup: { type: 'string', default: '5' },
  drivers: { type: 'string', default: '5000' },
} as const;

const post = (agent: Agent, url: URL, body: string): Promise<string> =>
  new Promise((resolve) => {
    const sent = request(
      url,
      {
        agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const { status, code } = JSON.parse(text) as { status?: string; code?: string };
          resolve(`${response.statusCode} ${status ?? code}`);
        });
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });

const alertBody = (run: string, index: number, drivers: number): string =>
  JSON.stringify({
    sourceType: ['overspeed', 'feedback_negative', 'compliance'][index % 3],
    driverId: `bench-${run}-${(index * 7919) % drivers}`,
    severity: 'medium',
    metadata: { speed: 90 + (index % 60), document_valid: index % 30 === 2 },
  });

/** Sends `count` requests on schedule and resolves when the last is answered. */
const runAtRate = async (count: number, rate: number, send: (index: number) => Promise<string>): Promise<Sample[]> => {
  const samples: Promise<Sample>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < count; index += 1) {
    const dueMs = startMs + (index * 1000) / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    samples.push(send(index).then((answer) => ({ latencyMs: performance.now() - dueMs, answer })));
  }
  return Promise.all(samples);
};

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;

const { values } = parseArgs({ options });
const [rate, seconds, warmup, drivers] = [values.rate, values.seconds, values.warmup, values.drivers].map(Number) as [
  number,
  number,
  number,
  number,
];
const url = new URL('/process-alert', values.url);
const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
const runId = Date.now().toString(36);
const send = (index: number): Promise<string> => post(agent, url, alertBody(runId, index, drivers));

if (warmup > 0) await runAtRate(rate * warmup, rate, send);
const began = performance.now();
const samples = await runAtRate(rate * seconds, rate, (index) => send(rate * warmup + index));
const elapsedSeconds = (performance.now() - began) / 1000;
agent.destroy();

const latencies = samples.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
const answers = Map.groupBy(samples, ({ answer }) => answer);
console.log(`${rate} requests/s for ${seconds} s, ${drivers} drivers, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}`);
console.log(`answered ${samples.length} at ${(samples.length / elapsedSeconds).toFixed(1)}/s`);
for (const [answer, { length }] of [...answers].sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`  ${answer}: ${length}`);
for (const [name, share] of [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['p99.9', 0.999],
  ['max', 1],
] as const) {
  console.log(`${name.padEnd(6)} ${quantile(latencies, share).toFixed(1)} ms`);
}
