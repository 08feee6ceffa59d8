import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  PROCESSOR_SETTINGS,
  readProcessorConfig,
  readSetupConfig,
  readSinkConfig,
} from '../../../../connectors/config/processes.ts';
import {
  KAFKA_SETTINGS,
  MYSQL_SETTINGS,
  readKafkaConnection,
  readMysqlUrl,
  readRegistryConnection,
  REGISTRY_SETTINGS,
} from '../../../../connectors/config/services.ts';
import { ConfigError, describeSettings, type Environment } from '../../../../connectors/config/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-test-'));
const caFile = join(folder, 'ca.pem');
writeFileSync(caFile, 'PEM');
afterAll(() => rmSync(folder, { recursive: true }));

const problem = (read: (environment: Environment) => unknown, environment: Environment): string => {
  try {
    read(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('Nothing was refused.');
};

describe('without any variable', () => {
  it('[INV-LOCAL-BY-DEFAULT] processes listen on this machine alone', () => {
    expect(readProcessorConfig({})).toMatchObject({ host: '127.0.0.1', port: 4001 });
    expect(readSinkConfig({})).toMatchObject({ host: '127.0.0.1', port: 4002, logLevel: 'info' });
  });

  it('the services are those of the local stack', () => {
    expect(readKafkaConnection({})).toEqual({ brokers: ['127.0.0.1:9092'] });
    expect(readRegistryConnection({}).url).toBe('http://127.0.0.1:8081/apis/ccompat/v7');
    expect(readMysqlUrl({})).toBe('mysql://alerts:alerts@127.0.0.1:3306/alerts');
  });

  it('the processor runs as documented', () => {
    expect(readProcessorConfig({})).toMatchObject({
      commitIntervalMs: 100,
      graceMs: 60_000,
      futureSkewMs: 300_000,
      dataDir: join(process.cwd(), '.data'),
    });
    expect(readSetupConfig({}).rulesFile).toBe(join(process.cwd(), 'rules.json'));
  });
});

describe('a given value', () => {
  it('of a local port moves the address that depends on it', () => {
    expect(readKafkaConnection({ KAFKA_PORT: '19092' }).brokers).toEqual(['127.0.0.1:19092']);
    expect(readRegistryConnection({ REGISTRY_PORT: '18081' }).url).toContain(':18081/');
    expect(readMysqlUrl({ MYSQL_PORT: '13306' })).toContain(':13306/');
  });

  it('is taken without surrounding blanks, and an empty one counts as not given', () => {
    expect(readProcessorConfig({ PROCESSOR_PORT: ' 5001 ', HOST: '' })).toMatchObject({
      port: 5001,
      host: '127.0.0.1',
    });
  });

  it('names the applications to run, each once, whatever the order', () => {
    expect(readProcessorConfig({ STREAMS_APPLICATIONS: ' Alerts,alerts ' }).applications).toEqual(['alerts']);
  });

  it('of the brokers may list several, IPv6 among them', () => {
    expect(readKafkaConnection({ KAFKA_BROKERS: 'a:9092, [::1]:9093' }).brokers).toEqual(['a:9092', '[::1]:9093']);
  });

  it('keeps the path of the registry', () => {
    const url = 'https://registry.example/apis/ccompat/v7/';
    expect(readRegistryConnection({ SCHEMA_REGISTRY_URL: url }).url).toBe('https://registry.example/apis/ccompat/v7');
  });

  it('turns TLS and login to Kafka on', () => {
    const login = { KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' };
    expect(readKafkaConnection({ ...login, KAFKA_SSL: 'true' })).toMatchObject({
      ssl: true,
      sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' },
    });
    expect(readKafkaConnection({ KAFKA_SSL_CA_FILE: caFile }).ssl).toEqual({ ca: 'PEM' });
  });
});

describe('a value that is not allowed', () => {
  it.each<[string, (environment: Environment) => unknown, string, string]>([
    ['PROCESSOR_PORT', readProcessorConfig, '70000', 'a port from 1 to 65535'],
    ['PROCESSOR_PORT', readProcessorConfig, '4e3', 'a port from 1 to 65535'],
    ['COMMIT_INTERVAL_MS', readProcessorConfig, '-1', 'a whole number from 1 to 60000'],
    ['STREAM_THREADS', readProcessorConfig, '1.5', 'a whole number from 1 to 64'],
    ['STREAMS_APPLICATIONS', readProcessorConfig, 'alerts,unknown', 'one or several of alerts'],
    ['LOG_LEVEL', readSinkConfig, 'loud', 'one of debug, info, warn, error, silent'],
    ['KAFKA_BROKERS', readKafkaConnection, 'http://a:1', 'host:port'],
    ['KAFKA_PORT', readKafkaConnection, 'x', 'a port from 1 to 65535'],
    ['KAFKA_SSL', readKafkaConnection, 'yes', 'true or false'],
    ['KAFKA_SSL_CA_FILE', readKafkaConnection, '/nowhere/ca.pem', 'the path of a file that can be read'],
    ['KAFKA_SASL_MECHANISM', readKafkaConnection, 'kerberos', 'one of plain'],
  ])('of %s is named with its variable and what is allowed', (name, read, value, allowed) => {
    const message = problem(read, { [name]: value });
    expect(message).toContain(`${name} is "${value}"; allowed is ${allowed}`);
  });

  it('does not hide another one', () => {
    const message = problem(readProcessorConfig, { PROCESSOR_PORT: 'x', STREAM_THREADS: '0' });
    expect(message.split('\n')).toHaveLength(2);
  });

  it.each([
    ['MYSQL_URL', readMysqlUrl, 'postgres://u:hunter2@h/d'],
    ['MYSQL_URL', readMysqlUrl, 'mysql://u:hunter2@h/d?sslmode=off'],
    ['SCHEMA_REGISTRY_URL', readRegistryConnection, 'ftp://u:hunter2@h'],
  ])('of %s is named without showing its password', (name, read, value) => {
    const message = problem(read, { [name]: value });
    expect(message).toContain(name);
    expect(message).not.toContain('hunter2');
  });

  it('is half a login', () => {
    expect(problem(readKafkaConnection, { KAFKA_SASL_USERNAME: 'u' })).toContain('set all three or none');
    expect(problem(readRegistryConnection, { SCHEMA_REGISTRY_PASSWORD: 'p' })).toContain('set both or neither');
  });

  it('is a CA file beside TLS switched off', () => {
    expect(problem(readKafkaConnection, { KAFKA_SSL: 'false', KAFKA_SSL_CA_FILE: caFile })).toContain(
      'KAFKA_SSL_CA_FILE',
    );
  });
});

describe('the help', () => {
  it('lists every variable once, with its default', () => {
    const help = describeSettings(
      PROCESSOR_SETTINGS,
      KAFKA_SETTINGS,
      REGISTRY_SETTINGS,
      MYSQL_SETTINGS,
      PROCESSOR_SETTINGS,
    );
    const names = help.split('\n').map((line) => line.trim().split(' ')[0] as string);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('KAFKA_SASL_MECHANISM');
    expect(help).toMatch(/PROCESSOR_PORT .*\[4001\]/);
    expect(help).toMatch(/KAFKA_BROKERS .*\[127\.0\.0\.1:<KAFKA_PORT>\]/);
  });
});
