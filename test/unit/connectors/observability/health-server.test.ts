import { afterEach, describe, expect, it } from 'vitest';
import { healthReporter } from '../../../../connectors/observability/health-checks.ts';
import { startHealthServer, type HealthServer } from '../../../../connectors/observability/health-server.ts';
import { PrometheusMetrics } from '../../../../connectors/observability/prometheus-metrics.ts';

const never = (): Promise<void> => new Promise(() => undefined);
const fail = (message: string) => () => Promise.reject(new Error(message));

describe('health checks', () => {
  it('run side by side and are all reported, good and bad', async () => {
    const report = await healthReporter({ kafka: () => undefined, mysql: fail('away') })();
    expect(report).toMatchObject({
      status: 'DOWN',
      checks: { kafka: { status: 'UP' }, mysql: { status: 'DOWN', error: 'away' } },
    });
  });

  it('take a check that throws at once for a failed one', async () => {
    const throws = (): void => {
      throw new Error('broken');
    };
    expect((await healthReporter({ throws })()).checks['throws']).toMatchObject({ status: 'DOWN', error: 'broken' });
  });

  it('[INV-HEALTH-BOUNDED] end within the time limit and do not start a hanging check again', async () => {
    let started = 0;
    const hanging = (): Promise<void> => {
      started++;
      return never();
    };
    const report = healthReporter({ hanging }, 20);
    const results = [await report(), await report(), await report()];
    expect(results.every(({ status }) => status === 'DOWN')).toBe(true);
    expect(started).toBe(1);
  });

  it('are asked again after they have ended', async () => {
    let up = false;
    const report = healthReporter({ flaky: () => (up ? undefined : fail('not yet')()) });
    expect((await report()).status).toBe('DOWN');
    up = true;
    expect((await report()).status).toBe('UP');
  });

  it('do not show credentials', async () => {
    const report = await healthReporter({ mysql: fail('no route to mysql://alerts:hunter2@db/alerts') })();
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });
});

describe('the health server', () => {
  let server: HealthServer | undefined;
  afterEach(() => server?.close());

  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${server?.url}${path}`);
    return { status: response.status, text: await response.text() };
  };

  it('stays live and says why it is not ready while a dependency is away', async () => {
    server = await startHealthServer({
      service: 'sink',
      port: 0,
      live: { thread: () => undefined },
      ready: { mysql: fail('The database is away.') },
      watched: { disk: fail('The disk is full.') },
      metrics: async () => '',
    });
    expect((await get('/live')).status).toBe(200);
    const ready = await get('/ready');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.text)).toMatchObject({
      service: 'sink',
      checks: { mysql: { error: 'The database is away.' } },
    });
    for (const path of ['/health', '/api/v1/health']) {
      const health = await get(path);
      expect(health.status).toBe(200);
      const { checks, ...report } = JSON.parse(health.text) as { checks: object; timestamp: string };
      expect(report).toMatchObject({ status: 'DOWN', ready: false, service: 'sink' });
      expect(Date.parse(report.timestamp)).toBeGreaterThan(0);
      expect(Object.keys(checks)).toEqual(['thread', 'mysql', 'disk']);
    }
    expect((await get('/api/v1/health/ready')).status).toBe(503);
    expect((await get('/api/v1/health/live')).status).toBe(200);
  });

  it('is ready with a full disk, says so in its health, and is unhealthy when only a restart helps', async () => {
    server = await startHealthServer({
      service: 'sink',
      port: 0,
      watched: { disk: fail('The disk is full.') },
      metrics: async () => '',
    });
    expect((await get('/ready')).status).toBe(200);
    expect(JSON.parse((await get('/health')).text)).toMatchObject({ status: 'DOWN', ready: true });
    await server.close();
    server = await startHealthServer({
      service: 'processor',
      port: 0,
      live: { threads: fail('A thread is dead.') },
      metrics: async () => '',
    });
    expect((await get('/live')).status).toBe(503);
    expect((await get('/health')).status).toBe(503);
  });

  it('answers ready when there is nothing amiss', async () => {
    server = await startHealthServer({ service: 'sink', port: 0, metrics: async () => '' });
    expect((await get('/ready')).status).toBe(200);
    expect((await get('/health')).status).toBe(200);
  });

  it('shows the metrics as Prometheus takes them', async () => {
    const metrics = new PrometheusMetrics();
    metrics.counter('events').add(2);
    server = await startHealthServer({ service: 'sink', port: 0, metrics: () => metrics.text() });
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).toContain('events_total 2');
  });

  it('[INV-LOCAL-BY-DEFAULT] listens on this machine alone unless told otherwise', async () => {
    server = await startHealthServer({ service: 'sink', port: 0, metrics: async () => '' });
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
  });
});
