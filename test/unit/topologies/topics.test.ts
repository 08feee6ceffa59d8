import { describe, expect, test } from 'vitest';
import { alertTopics, topicNames } from '../../../topologies/topics.ts';

const DAY_MS = 86_400_000;
const names = topicNames();
const configOf = (name: string) => alertTopics(4).find((topic) => topic.name === name)?.config;

describe('the topics', () => {
  test('alerts, commands and events are partitioned alike; rules and dead letters have one partition', () => {
    expect(Object.fromEntries(alertTopics(4).map(({ name, partitions }) => [name, partitions]))).toEqual({
      'raw-alerts': 4,
      'alert-commands': 4,
      'alert-command-results': 4,
      'alert-events': 4,
      'alert-rules': 1,
      'dead-letters': 1,
    });
  });

  test.each([names.rawAlerts, names.alertCommands, names.alertEvents, names.deadLetters])(
    '[INV-TOPIC-RETENTION] %s is kept by the time of writing, so that a replay of old alerts is not deleted at once',
    (name) => {
      expect(configOf(name)).toMatchObject({ 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' });
      expect(Number(configOf(name)?.['retention.ms'])).toBeGreaterThanOrEqual(30 * DAY_MS);
    },
  );

  test('rules are compacted, and a removed rule is known long enough', () => {
    expect(configOf(names.alertRules)).toEqual({
      'cleanup.policy': 'compact',
      'delete.retention.ms': String(30 * DAY_MS),
    });
  });

  test('a prefix keeps systems on one cluster apart', () => {
    expect(alertTopics(1, topicNames('test-')).map(({ name }) => name)).toContain('test-raw-alerts');
  });
});
