import { describe, expect, it } from 'vitest';
import { stringKey } from '../../../state/codecs.ts';
import { dueKeyValueStore, keyValueStore, timerStore, windowStore } from '../../../state/stores.ts';
import { TopologyError } from '../../../streams/errors.ts';
import { int64Serde } from '../../../streams/serdes.ts';

const spec = { name: 'store', key: stringKey, value: int64Serde };

describe('store builders', () => {
  it('log to a compacted changelog by default', () => {
    for (const builder of [
      keyValueStore(spec),
      dueKeyValueStore({ ...spec, dueAtMs: (value: number) => value }),
      timerStore(spec),
    ]) {
      expect(builder).toMatchObject({
        name: 'store',
        loggingEnabled: true,
        changelogConfig: { 'cleanup.policy': 'compact' },
      });
    }
  });

  it('let the log drop windows a day after the store does, counted from when they were written', () => {
    expect(windowStore({ ...spec, retentionMs: 60_000 }).changelogConfig).toEqual({
      'cleanup.policy': 'compact,delete',
      'retention.ms': '86460000',
      'message.timestamp.type': 'LogAppendTime',
    });
  });

  it('take settings of their own over the defaults', () => {
    const builder = keyValueStore({
      ...spec,
      logging: false,
      changelogConfig: { 'segment.ms': '1000', 'cleanup.policy': 'delete' },
    });
    expect(builder.loggingEnabled).toBe(false);
    expect(builder.changelogConfig).toEqual({ 'segment.ms': '1000', 'cleanup.policy': 'delete' });
  });

  it('refuse a name that cannot be part of a topic name', () => {
    for (const name of ['', 'a/b', 'a b', 'ä']) expect(() => keyValueStore({ ...spec, name })).toThrow(TopologyError);
  });
});
