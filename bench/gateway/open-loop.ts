/**
 * Requests to the gateway on a fixed schedule.
 *
 * Open loop: a latency counts from when its request was due, not from when it could be sent. A stall therefore shows in every
 * request that it delayed; waiting for answers before sending more would hide it.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface OpenLoop {
  /** Of the gateway. */
  readonly url: string;
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly drivers: number;
}

export interface OpenLoopResult {
  readonly answeredPerSecond: number;
  readonly latenciesMs: readonly number[];
  /** Count by `201 OPEN`, or the error in a word. */
  readonly answers: Readonly<Record<string, number>>;
}

interface Sample {
  readonly latencyMs: number;
  readonly answer: string;
}

const MAX_CONNECTIONS = 256;

export async function openLoop({ url, rate, seconds, warmupSeconds, drivers }: OpenLoop): Promise<OpenLoopResult> {
  const path = new URL('/process-alert', url);
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  const run = Date.now().toString(36);
  const send = (index: number): Promise<string> => post(agent, path, alertBody(run, index, drivers));
  await atRate(rate * warmupSeconds, rate, send);
  const began = performance.now();
  const samples = await atRate(rate * seconds, rate, (index) => send(rate * warmupSeconds + index));
  const elapsedSeconds = (performance.now() - began) / 1000;
  agent.destroy();
  const answers = Map.groupBy(samples, ({ answer }) => answer);
  return {
    answeredPerSecond: Math.round((samples.length / elapsedSeconds) * 10) / 10,
    latenciesMs: samples.map(({ latencyMs }) => latencyMs),
    answers: Object.fromEntries([...answers].map(([answer, { length }]) => [answer, length])),
  };
}

/** Sends `count` requests on schedule and resolves when the last is answered. */
async function atRate(count: number, rate: number, send: (index: number) => Promise<string>): Promise<Sample[]> {
  const samples: Promise<Sample>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < count; index += 1) {
    const dueMs = startMs + (index * 1000) / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    samples.push(send(index).then((answer) => ({ latencyMs: performance.now() - dueMs, answer })));
  }
  return Promise.all(samples);
}

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

export const alertBody = (run: string, index: number, drivers: number): string =>
  JSON.stringify({
    sourceType: ['overspeed', 'feedback_negative', 'compliance'][index % 3],
    driverId: `bench-${run}-${(index * 7919) % drivers}`,
    severity: 'medium',
    metadata: { speed: 90 + (index % 60), document_valid: index % 30 === 2 },
  });
