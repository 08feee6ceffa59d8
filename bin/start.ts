#!/usr/bin/env node
/**
 * `npm start`: the services and the processes of the alert system, on this machine, in the foreground. Invariant: it only
 * reads the command line; what it does is in infra/local-stack.
 */
import { Command } from 'commander';
import { runInForeground } from '../infra/local-stack/foreground.ts';

const environmentHelp = `
Environment:
  GATEWAY_PORT (4000), PROCESSOR_PORT (4001), SINK_PORT (4002), NOTIFIER_PORT (4003)
  KAFKA_PORT (9092), REGISTRY_PORT (8081), MYSQL_PORT (3306)
  DATA_DIR (.data)            everything this stack stores, and its logs
  RULES_FILE (rules.json)     the rules that are seeded
  SERVICES_CACHE_DIR (.cache/services)  downloaded binaries, shared by all stacks
  KAFKA_BROKERS, SCHEMA_REGISTRY_URL, MYSQL_URL
                              services that run elsewhere; those are used as they are`;

const program = new Command('npm start --')
  .description('Starts Kafka, the schema registry, a MySQL-compatible database and the alert system.')
  .option('--fresh', 'begin without the data of earlier runs', false)
  .option('--services-only', 'start only the services, not the alert system', false)
  .addHelpText('after', environmentHelp)
  .parse();

process.exitCode = await runInForeground(program.opts<{ fresh: boolean; servicesOnly: boolean }>(), process.env);
process.exit();
