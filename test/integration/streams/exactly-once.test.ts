import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import type { CountingAppSettings } from '../../support/counting-app.ts';

const PARTITIONS = 3;
const KEYS = 40;

describe('a stateful application on a real broker', () => {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  const id = `counting-${randomUUID().slice(0, 8)}`;
  const client = new KafkaLogClient({ brokers, clientId: id, logger: silentLogger });
  const topics = { input: `${id}-in`, output: `${id}-out` };
  const children = new Set<ChildProcess>();
  let directory: string;
  let sent = 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'counting-'));
    const admin = client.admin();
    await admin.createTopics(Object.values(topics).map((name) => ({ name, partitions: PARTITIONS, config: {} })));
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await client.close();
    await rm(directory, { recursive: true, force: true });
  });

  const start = (instance: string): ChildProcess => {
    const settings: CountingAppSettings = {
      brokers,
      applicationId: id,
      ...topics,
      stateDir: join(directory, instance),
      instance,
    };
    const entry = join(import.meta.dirname, '../../support/counting-app.ts');
    const child = spawn(process.execPath, [entry, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(directory, `${instance}.log`), { flags: 'a' });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };

  const send = async (count: number): Promise<void> => {
    const records = Array.from({ length: count }, () => {
      const key = `key-${sent++ % KEYS}`;
      return { topic: topics.input, key: Buffer.from(key), value: Buffer.from('x') };
    });
    await client.plainProducer().send(records);
  };

  /** Committed outputs, in order per key. */
  const outputs = async (): Promise<string[]> => {
    const reader = client.reader();
    const values: string[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { beginning, end } = await reader.range({ topic: topics.output, partition });
      await reader.read({ topic: topics.output, partition }, beginning, end, ({ records }) => {
        for (const { value } of records) values.push(Buffer.from(value ?? []).toString());
      });
    }
    await reader.close();
    return values;
  };

  const untilOutputs = async (count: number, timeoutMs: number): Promise<string[]> => {
    for (const deadline = Date.now() + timeoutMs; ; await sleep(200)) {
      const values = await outputs();
      if (values.length >= count) return values;
      if (Date.now() > deadline) {
        const logs = await Promise.all(
          ['a', 'b'].map((name) => readFile(join(directory, `${name}.log`), 'utf8').catch(() => '')),
        );
        throw new Error(`Only ${values.length} of ${count} outputs in time.\n${logs.join('\n').slice(-6_000)}`);
      }
    }
  };

  const expected = (): string[] => {
    const counts = new Map<string, number>();
    return Array.from({ length: sent }, (_, index) => {
      const key = `key-${index % KEYS}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return `${key}=${count}`;
    }).sort();
  };

  it('loses and repeats nothing when it is killed at any moment, and its counts go on where they stood [INV-EXACTLY-ONCE]', async () => {
    for (let round = 0; round < 4; round++) {
      const child = start('a');
      for (let batch = 0; batch < 10; batch++) {
        await send(200);
        await sleep(20);
      }
      // Somewhere between its start and well into its work: the rounds differ on purpose.
      await sleep(300 + round * 350);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await send(100);
    }
    start('a');
    const values = await untilOutputs(sent, 60_000);
    expect(values.sort()).toEqual(expected());
  });

  it('hands its tasks over between two instances and stops cleanly on SIGTERM [INV-EXACTLY-ONCE]', async () => {
    const [first] = children;
    const second = start('b');
    for (let batch = 0; batch < 20; batch++) {
      await send(100);
      await sleep(100);
    }
    first?.kill('SIGTERM');
    if (first) expect(await once(first, 'exit')).toEqual([0, null]);
    await send(200);
    const values = await untilOutputs(sent, 60_000);
    expect(values.sort()).toEqual(expected());
    second.kill('SIGTERM');
    expect(await once(second, 'exit')).toEqual([0, null]);
  });
});
