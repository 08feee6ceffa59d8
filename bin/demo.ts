#!/usr/bin/env node
/**
 * `npm run demo`: plays the case of the four drivers against a running stack, or one of its own, with its time scaled down.
 */
import { Command, InvalidArgumentError } from 'commander';
import { MYSQL_SETTINGS, KAFKA_SETTINGS, readKafkaConnection, readMysqlUrl } from '../connectors/config/services.ts';
import { readRegistryConnection, REGISTRY_SETTINGS } from '../connectors/config/services.ts';
import { ConfigError, describeSettings } from '../connectors/config/settings.ts';
import { GATEWAY_SETTINGS, readGatewayConfig } from '../gateway/config.ts';
import { runDemo } from '../infra/demo/run-demo.ts';
import { StackFailure } from '../infra/local-stack/stack-failure.ts';
import { topicNames } from '../topologies/topics.ts';

const FASTEST = 60;

const speedOf = (text: string): number => {
  const speed = Number(text);
  if (speed >= 1 && speed <= FASTEST) return speed;
  throw new InvalidArgumentError(`Give a number from 1 to ${FASTEST}.`);
};

const { speed } = new Command('npm run demo --')
  .description(
    'Plays a case of four drivers and shows the tables as they change. While it runs, the rules of the stack are the scaled ones ' +
      'of the case; afterwards the former rules are back. Starts a stack when none answers.',
  )
  .option('--speed <factor>', `how many times as fast as real time, 1 to ${FASTEST}`, speedOf, 20)
  .addHelpText(
    'after',
    `\nEnvironment:\n${describeSettings(
      { port: GATEWAY_SETTINGS.port, topicPrefix: GATEWAY_SETTINGS.topicPrefix },
      KAFKA_SETTINGS,
      REGISTRY_SETTINGS,
      MYSQL_SETTINGS,
    )}`,
  )
  .parse()
  .opts<{ speed: number }>();

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted) console.log('Stopping; the former rules come back first');
    stop.abort();
  });
}

try {
  const { port, topicPrefix, apiKeys } = readGatewayConfig(process.env);
  const isAsItMust = await runDemo({
    speed,
    gatewayUrl: `http://127.0.0.1:${port}`,
    apiKey: apiKeys.find(({ roles }) => roles.includes('ingest') && roles.includes('read'))?.key,
    rulesTopic: topicNames(topicPrefix).alertRules,
    kafka: readKafkaConnection(process.env),
    registry: readRegistryConnection(process.env),
    mysqlUrl: readMysqlUrl(process.env),
    environment: process.env,
    say: (line) => console.log(line),
    signal: stop.signal,
  });
  process.exitCode = isAsItMust ? 0 : 1;
} catch (error) {
  const expected = error instanceof StackFailure || error instanceof ConfigError || stop.signal.aborted;
  if (!stop.signal.aborted) console.error(expected ? (error as Error).message : error);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
process.exit();
