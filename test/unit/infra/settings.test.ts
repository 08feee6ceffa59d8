/** What the environment says about a stack is taken or refused in one sentence. */
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../infra/local-stack/settings.ts';

describe('the settings of a stack', () => {
  it('have the documented defaults', () => {
    const settings = readSettings({}, '/project');
    expect(settings.ports).toEqual({
      gateway: 4000,
      processor: 4001,
      sink: 4002,
      notifier: 4003,
      kafka: 9092,
      registry: 8081,
      mysql: 3306,
    });
    expect(settings.given).toEqual({});
    expect(settings.dataDir).toBe('/project/.data');
    expect(settings.rulesFile).toBe('/project/rules.json');
    expect(settings.cacheDir).toMatch(/\.cache\/services$/);
  });

  it('take ports, places and addresses from the environment, and an empty variable as absent', () => {
    const environment = {
      KAFKA_PORT: '19092',
      DATA_DIR: '/elsewhere',
      RULES_FILE: 'other.json',
      SERVICES_CACHE_DIR: '/cache',
      KAFKA_BROKERS: ' broker:9092 ',
      MYSQL_URL: '',
    };
    const settings = readSettings(environment, '/project');
    expect(settings.ports.kafka).toBe(19_092);
    expect(settings.dataDir).toBe('/elsewhere');
    expect(settings.rulesFile).toBe('/project/other.json');
    expect(settings.cacheDir).toBe('/cache');
    expect(settings.given).toEqual({ kafka: 'broker:9092' });
  });

  it.each(['0', '65536', '-1', '80x', '1e3', '99999999'])('refuse %s as a port and name the variable', (port) => {
    expect(() => readSettings({ MYSQL_PORT: port }, '/')).toThrow(/^MYSQL_PORT is ".*", which is not a port; set it/);
  });

  it('refuse one port for two listeners', () => {
    expect(() => readSettings({ SINK_PORT: '4000' }, '/')).toThrow('GATEWAY_PORT and SINK_PORT are both 4000');
  });
});
