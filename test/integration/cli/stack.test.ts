import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Services } from '../../../cli/services.ts';
import { freePorts } from '../../../infra/local-stack/ports.ts';
import { runAlerts } from '../../support/cli-world.ts';
import { TestDatabase } from '../sink/test-database.ts';

/** The services are given, so what is started here is the alert system alone. */
describe('alerts up and down', () => {
  const prefix = `cli-stack-${randomUUID().slice(0, 8)}-`;
  let folder: string;
  let database: TestDatabase;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'alerts-up-'));
    database = await TestDatabase.create();
    const [gateway, processor, sink, notifier] = await freePorts(4);
    const others = { SINK_PORT: `${sink}`, NOTIFIER_PORT: `${notifier}` };
    const ports = { GATEWAY_PORT: `${gateway}`, PROCESSOR_PORT: `${processor}`, ...others };
    const DATA_DIR = join(folder, 'data');
    environment = { ...process.env, ...ports, TOPIC_PREFIX: prefix, MYSQL_URL: database.url, DATA_DIR };
  });

  afterAll(async () => {
    await runAlerts(environment, ['down']);
    const services = new Services(environment, process.stderr);
    const changelogs = ['alerts', 'recent-times'].map((store) => `${prefix}alerts-processor-${store}-changelog`);
    await services.admin.deleteTopics([...(Object.values(services.topics) as string[]), ...changelogs]);
    await services.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (...args: string[]) => runAlerts(environment, args);

  it('starts the system in the background, once, and stops it in order', async () => {
    const up = await run('up', '--json');
    expect(up.exitCode, up.stderr).toBe(0);
    const { gatewayUrl, addresses } = JSON.parse(up.stdout) as { gatewayUrl: string; addresses: { mysql: string } };
    expect((await fetch(`${gatewayUrl}/ready`)).status).toBe(200);
    expect(addresses.mysql).toContain(':***@');
    expect((await run('status')).exitCode).toBe(0);

    const second = await run('up');
    expect(second.exitCode).toBe(4);
    expect(second.stderr).toContain('A stack runs');

    expect(JSON.parse((await run('down', '--json')).stdout)).toMatchObject({ stopped: true });
    expect((await run('status')).exitCode).toBe(1);
    expect(JSON.parse((await run('down', '--json')).stdout)).toMatchObject({ stopped: false });
  });

  it('says why a start fails, and leaves nothing running', async () => {
    const broken = { ...environment, RULES_FILE: join(folder, 'none.json') };
    const { exitCode, stderr } = await runAlerts(broken, ['up']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('RULES_FILE');
    expect(JSON.parse((await run('down', '--json')).stdout)).toMatchObject({ stopped: false });
  });
});
