import { describe, expect, it } from 'vitest';
import { logTopicNames, logTopics } from '../../../topologies/log-topics.ts';

describe('the topics of the logs', () => {
  it('are partitioned alike, but for the rules', () => {
    expect(Object.fromEntries(logTopics(4).map(({ name, partitions }) => [name, partitions]))).toEqual({
      'log-events': 4,
      'log-alerts': 4,
      'log-error-counts': 4,
      'log-alert-rules': 1,
    });
  });

  it('[INV-TOPIC-RETENTION] are kept by the time of writing, and the rules by key', () => {
    const names = logTopicNames();
    for (const { name, config } of logTopics(1)) {
      if (name === names.logAlertRules) expect(config['cleanup.policy']).toBe('compact');
      else expect(config).toMatchObject({ 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' });
    }
  });

  it('take a prefix', () => {
    expect(logTopics(1, logTopicNames('a-')).map(({ name }) => name)).toContain('a-log-events');
  });
});
