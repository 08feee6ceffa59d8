import { describe, expect, test } from 'vitest';
import { jsonSerde } from '../../../connectors/log.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { TopicTable } from '../../../gateway/tables/topic-table.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';

const TOPIC = 'things';
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const tableOn = (log: InMemoryLog, timeoutMs = 20_000): TopicTable<unknown> => {
  const client = log.client('table');
  return new TopicTable({
    ...{ topic: TOPIC, reader: client.reader(), producer: client.plainProducer(), value: jsonSerde() },
    ...{ clock: systemClock, logger: silentLogger, timeoutMs },
  });
};

const newLog = (): InMemoryLog => {
  const log = new InMemoryLog({ clock: systemClock });
  log.createTopics([{ name: TOPIC, partitions: 1, config: {} }]);
  return log;
};

describe('a table of a topic', () => {
  test('has what was written before it began, and its own writes once they are answered', async () => {
    const log = newLog();
    const send = (key: string, value: Uint8Array | null) =>
      log
        .client('other')
        .plainProducer()
        .send([{ topic: TOPIC, key: Buffer.from(key), value }]);
    await send('a', json(1));
    await send('b', json(2));
    await send('b', null);
    await send('c', Buffer.from('no json'));
    const table = tableOn(log);
    const ending = new AbortController();
    const following = table.follow(ending.signal);
    expect([...(await table.entries())]).toEqual([['a', 1]]);
    await table.write('d', json({ x: [1] }));
    await table.write('a', null);
    expect([...(await table.entries())]).toEqual([['d', { x: [1] }]]);
    ending.abort();
    await following;
  });

  test('is not shown before it was read, and says so when that takes too long', async () => {
    const table = tableOn(newLog(), 30);
    await expect(table.entries()).rejects.toMatchObject({ code: 'TABLE_NOT_READ', recovery: 'retry' });
  });
});
