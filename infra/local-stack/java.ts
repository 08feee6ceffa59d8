/**
 * The Java that runs Kafka and the registry. Invariant: a Java that is missing or too old is found before anything is
 * started with it.
 */
import { join } from 'node:path';
import { CommandMissing, runCommand } from './child-process.ts';
import type { Environment } from './settings.ts';
import { StackFailure } from './stack-failure.ts';

export const oldestJava = 17;

const wayOut =
  `install Java ${oldestJava} or later (or point JAVA_HOME at one), start Docker, ` +
  'or give the addresses of running services in KAFKA_BROKERS, SCHEMA_REGISTRY_URL and MYSQL_URL';

/** The major version in what `java -version` prints; 8 for `1.8.0_392`. */
export function parseJavaVersion(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The command of a Java that is recent enough. */
export async function requireJava(environment: Environment, signal: AbortSignal): Promise<string> {
  const home = environment['JAVA_HOME']?.trim();
  const command = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  const output = await printedVersion(command, signal);
  const version = parseJavaVersion(output);
  if (version === undefined) throw new StackFailure(`${command} did not tell its version; ${wayOut}.`);
  if (version < oldestJava) {
    throw new StackFailure(`${command} is Java ${version}, and Kafka needs ${oldestJava}; ${wayOut}.`);
  }
  return command;
}

async function printedVersion(command: string, signal: AbortSignal): Promise<string> {
  try {
    return (await runCommand({ command, args: ['-version'], cwd: process.cwd() }, { timeoutMs: 30_000, signal }))
      .output;
  } catch (error) {
    if (error instanceof CommandMissing) throw new StackFailure(`Java is missing: ${wayOut}.`);
    throw error;
  }
}
