import { describe, expect, it } from 'vitest';
import { readRulesInForce } from '../../../cli/replay/rules-in-force.ts';
import { rulesFromFile } from '../../../processors/rules.ts';
import type { AlertRule } from '../../../schemas/alert-rule.ts';
import { FatalLogError } from '../../../streams/errors.ts';
import { jsonSerde } from '../../../streams/serdes.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';

const TOPIC = 'alert-rules';
const rule = (name: string, count: number): AlertRule =>
  rulesFromFile({ [name]: { escalate_if_count: count, window_mins: 1 } })[0] as AlertRule;

const read = async (records: readonly (readonly [key: string | null, value: unknown, atMs: number])[]) => {
  const log = new InMemoryLog({ clock: new VirtualClock(0) });
  log.createTopics([{ name: TOPIC, partitions: 1, config: {} }]);
  const encoded = records.map(([key, value, timestampMs]) => ({
    topic: TOPIC,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    timestampMs,
  }));
  if (encoded.length > 0) await log.client('writer').plainProducer().send(encoded);
  return readRulesInForce(log.client('reader').reader(), TOPIC, jsonSerde<AlertRule>());
};

describe('the rules in force', () => {
  it('are the last usable one of each source type, as the processor keeps them', async () => {
    const { rules, changedMs, refused } = await read([
      ['a', rule('a', 2), 10],
      ['b', rule('b', 2), 40],
      ['c', rule('c', 2), 20],
      ['a', rule('a', 3), 30],
      ['b', { ...rule('b', 3), windowMins: null }, 31],
      ['b', 'no JSON', 32],
      ['c', null, 33],
      [null, rule('d', 1), 34],
    ]);
    expect(rules).toEqual([rule('a', 3), rule('b', 2)]);
    expect(changedMs).toBe(40);
    expect(refused.map((line) => line.slice(0, 24))).toEqual(
      [4, 5, 7].map((offset) => `The rule at offset ${offset} of `),
    );
  });

  it('are none on an empty topic', async () => {
    expect(await read([])).toEqual({ rules: [], changedMs: undefined, refused: [] });
  });

  it('are not told when the registry or the log refuses', async () => {
    const log = new InMemoryLog({ clock: new VirtualClock(0) });
    log.createTopics([{ name: TOPIC, partitions: 1, config: {} }]);
    await log
      .client('writer')
      .plainProducer()
      .send([{ topic: TOPIC, key: Buffer.from('a'), value: Buffer.from('{}') }]);
    const failing = {
      deserialize: () => {
        throw new FatalLogError('X', 'refused');
      },
    };
    await expect(readRulesInForce(log.client('reader').reader(), TOPIC, failing)).rejects.toThrow('refused');
  });
});
