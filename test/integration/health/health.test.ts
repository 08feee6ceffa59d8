/** What the processes say of themselves while services are away and come back: real processes, a database behind a proxy. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { serverUrl, TestDatabase, urlOf } from '../sink/test-database.ts';

interface Answer {
  readonly status: number;
  readonly tookMs: number;
  readonly body: {
    readonly status?: string;
    readonly ready?: boolean;
    readonly checks: Readonly<Record<string, { readonly status: string; readonly error?: string }>>;
    readonly timestamp?: string;
  };
}

/** A check takes 2 s at most; the rest is for a busy machine. */
const BOUND_MS = 6_000;
const DEAD_PORT = 9;

let database: TestDatabase;
let proxy: TcpProxy;
let processes: AlertProcesses;

beforeAll(async () => {
  database = await TestDatabase.create();
  const { hostname, port } = new URL(serverUrl());
  proxy = await TcpProxy.start(hostname, Number(port));
  const name = new URL(database.url).pathname.slice(1);
  const prefix = `health-${randomBytes(4).toString('hex')}-`;
  processes = await AlertProcesses.prepare(prefix, urlOf(name, proxy.port), {});
});

afterAll(async () => {
  await processes.close();
  await proxy.close();
  await database.drop();
});

const ask = async (portName: string, path: string): Promise<Answer> => {
  const startMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${processes.environment[portName]}${path}`);
  const body = (await response.json()) as Answer['body'];
  return { status: response.status, tookMs: performance.now() - startMs, body };
};

/** Asks until the answer has the status; a process that does not listen yet counts as one that has not. */
const until = async (portName: string, path: string, status: number): Promise<Answer> => {
  for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
    const answer = await ask(portName, path).catch(() => undefined);
    if (answer?.status === status) return answer;
    if (Date.now() > deadline) throw new Error(`${portName}${path} stays ${answer?.status}: ${JSON.stringify(answer)}`);
  }
};

const statuses = ({ body }: Answer): Record<string, string> =>
  Object.fromEntries(Object.entries(body.checks).map(([name, { status }]) => [name, status]));

describe('the health of the processes', () => {
  it('[INV-HEALTH-OUTAGE] tells a database that is away from a dead process, in time, and recovers by itself', async () => {
    processes.start('sink');
    await until('SINK_PORT', '/ready', 200);
    proxy.hang();
    const unready = await until('SINK_PORT', '/ready', 503);
    expect(unready.tookMs).toBeLessThan(BOUND_MS);
    expect(statuses(unready)).toMatchObject({ kafka: 'UP', database: 'DOWN' });
    expect((await ask('SINK_PORT', '/live')).status).toBe(200);
    for (const path of ['/health', '/api/v1/health']) {
      const health = await ask('SINK_PORT', path);
      expect([health.status, health.body.status, health.body.ready]).toEqual([200, 'DOWN', false]);
      expect(statuses(health)).toMatchObject({ kafka: 'UP', database: 'DOWN', registry: 'UP' });
      expect(Object.keys(health.body.checks)).toEqual(expect.arrayContaining(['disk', 'memory']));
      expect(health.tookMs).toBeLessThan(BOUND_MS);
    }
    proxy.restore();
    expect(statuses(await until('SINK_PORT', '/ready', 200))).toMatchObject({ database: 'UP' });
  });

  it('[INV-HEALTH-OUTAGE] is not ready before its tasks run, and not while Kafka is out of reach', async () => {
    processes.start('processor');
    // From the first answer on it is alive, whatever it still has to read.
    expect((await until('PROCESSOR_PORT', '/live', 200)).body.status).toBe('UP');
    expect((await until('PROCESSOR_PORT', '/ready', 200)).body.checks).toMatchObject({ tasks: {}, kafka: {} });
    await processes.kill('processor');

    const brokers = processes.environment['KAFKA_BROKERS'];
    processes.environment['KAFKA_BROKERS'] = `127.0.0.1:${DEAD_PORT}`;
    processes.start('processor');
    processes.environment['KAFKA_BROKERS'] = brokers;
    const unready = await until('PROCESSOR_PORT', '/ready', 503);
    expect(unready.tookMs).toBeLessThan(BOUND_MS);
    expect(statuses(unready)).toEqual({ tasks: 'DOWN', kafka: 'DOWN' });
    expect((await ask('PROCESSOR_PORT', '/live')).status).toBe(200);
    const health = await ask('PROCESSOR_PORT', '/api/v1/health');
    expect([health.status, health.body.status]).toEqual([200, 'DOWN']);
    expect(statuses(health)).toMatchObject({ kafka: 'DOWN', registry: 'UP' });
  });
});
