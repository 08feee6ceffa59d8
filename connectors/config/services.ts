/**
 * How to reach Kafka, the schema registry and the database, from the environment.
 *
 * Invariant: without any variable the addresses are those of the local stack on this machine. Credentials come from the
 * environment alone and are complete or refused.
 */
import type { SASLOptions } from 'kafkajs';
import type { KafkaClientOptions } from '../kafka/config.ts';
import { parseMysqlUrl } from '../mysql/connection-options.ts';
import type { SchemaRegistryOptions } from '../registry/schema-registry-client.ts';
import {
  ConfigError,
  fileContent,
  flag,
  oneOf,
  optional,
  port,
  readSettings,
  secretText,
  text,
  withDefault,
  withPortDefault,
  type Environment,
} from './settings.ts';

const kafkaPort = withDefault(port('KAFKA_PORT', 'port of the local Kafka'), '9092');
const registryPort = withDefault(port('REGISTRY_PORT', 'port of the local schema registry'), '8081');
const mysqlPort = withDefault(port('MYSQL_PORT', 'port of the local database'), '3306');

const brokers = {
  name: 'KAFKA_BROKERS',
  meaning: 'Kafka brokers to start from',
  allowed: 'host:port, more of them separated by commas',
  parse: (given: string): readonly string[] | undefined => {
    const list = given.split(',').map((broker) => broker.trim());
    return list.every((broker) => /^(\[[^\]\s]+\]|[^\s:,/@]+):\d{1,5}$/.test(broker)) ? list : undefined;
  },
};

export const KAFKA_SETTINGS = {
  localPort: kafkaPort,
  brokers: withPortDefault(brokers, kafkaPort, (at) => `127.0.0.1:${at}`),
  ssl: optional(flag('KAFKA_SSL', 'encrypted connections to Kafka; default true with a CA file, else false')),
  ca: optional(fileContent('KAFKA_SSL_CA_FILE', 'certificates (PEM) to trust in place of those of the system')),
  mechanism: optional(
    oneOf('KAFKA_SASL_MECHANISM', 'how to log in to Kafka', ['plain', 'scram-sha-256', 'scram-sha-512']),
  ),
  username: optional(text('KAFKA_SASL_USERNAME', 'user to log in to Kafka')),
  password: optional(secretText('KAFKA_SASL_PASSWORD', 'password to log in to Kafka')),
};

export type KafkaConnection = Pick<KafkaClientOptions, 'brokers' | 'ssl' | 'sasl'>;

/** Throws `ConfigError`. */
export const readKafkaConnection = (environment: Environment): KafkaConnection => {
  const { brokers, ssl, ca, mechanism, username, password } = readSettings(KAFKA_SETTINGS, environment);
  const given = [mechanism, username, password].filter((value) => value !== undefined).length;
  if (given !== 0 && given !== 3) {
    throw new ConfigError([
      'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together: set all three or none.',
    ]);
  }
  if (ca !== undefined && ssl === false) {
    throw new ConfigError([
      'KAFKA_SSL_CA_FILE is set and KAFKA_SSL is "false": set KAFKA_SSL to true or unset the file.',
    ]);
  }
  const encrypted = ssl ?? ca !== undefined;
  return {
    brokers,
    ...(encrypted && { ssl: ca === undefined ? true : { ca } }),
    ...(mechanism !== undefined && { sasl: { mechanism, username, password } as SASLOptions }),
  };
};

const httpUrl = (given: string): string | undefined =>
  URL.canParse(given) && /^https?:\/\/[^/]/.test(given) ? given.replace(/\/+$/, '') : undefined;

const registryUrl = {
  name: 'SCHEMA_REGISTRY_URL',
  meaning: 'address of the Confluent API of the schema registry, with its path',
  allowed: 'an address such as http://127.0.0.1:8081/apis/ccompat/v7',
  // It may carry credentials.
  secret: true,
  parse: httpUrl,
};

export const REGISTRY_SETTINGS = {
  localPort: registryPort,
  url: withPortDefault(registryUrl, registryPort, (at) => `http://127.0.0.1:${at}/apis/ccompat/v7`),
  username: optional(text('SCHEMA_REGISTRY_USERNAME', 'user to log in to the schema registry')),
  password: optional(secretText('SCHEMA_REGISTRY_PASSWORD', 'password to log in to the schema registry')),
  ca: optional(fileContent('SCHEMA_REGISTRY_CA_FILE', 'certificates (PEM) to trust in place of those of the system')),
};

/** Throws `ConfigError`. */
export const readRegistryConnection = (environment: Environment): SchemaRegistryOptions => {
  const { url, username, password, ca } = readSettings(REGISTRY_SETTINGS, environment);
  if ((username === undefined) !== (password === undefined)) {
    throw new ConfigError([
      'SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD belong together: set both or neither.',
    ]);
  }
  return { url, username, password, ca };
};

const mysqlUrl = {
  name: 'MYSQL_URL',
  meaning: 'the database; TLS by ?ssl-mode= and ?ssl-ca=',
  allowed:
    'mysql://user:password@host:port/database, with ssl-mode one of DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY ' +
    'and ssl-ca a file that can be read',
  secret: true,
  parse: (given: string): string | undefined => {
    try {
      parseMysqlUrl(given);
      return given;
    } catch {
      return undefined;
    }
  },
};

export const MYSQL_SETTINGS = {
  localPort: mysqlPort,
  url: withPortDefault(mysqlUrl, mysqlPort, (at) => `mysql://alerts:alerts@127.0.0.1:${at}/alerts`),
};

/** The address, checked; `parseMysqlUrl` takes it apart. Throws `ConfigError`. */
export const readMysqlUrl = (environment: Environment): string => readSettings(MYSQL_SETTINGS, environment).url;
