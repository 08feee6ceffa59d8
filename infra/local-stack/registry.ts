/**
 * The schema registry as one process, with an H2 file below it. Invariant: schemas and their ids are the same after a
 * restart, because records on the log carry these ids.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { registryJar } from './artefacts.ts';
import { registryAnswers } from './probes.ts';
import type { ServiceProcess } from './supervised-process.ts';

export interface RegistryOptions {
  readonly java: string;
  readonly binaries: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly port: number;
}

/** The base of the Confluent-compatible API. */
export const registryUrl = (port: number): string => `http://127.0.0.1:${port}/apis/ccompat/v7`;

export function prepareRegistry({ java, binaries, dataDir, logFile, port }: RegistryOptions): ServiceProcess {
  const folder = join(dataDir, 'registry');
  mkdirSync(folder, { recursive: true });
  const url = registryUrl(port);
  return {
    name: 'registry',
    address: url,
    command: {
      command: java,
      args: [
        '-Xmx300m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-XX:+ExitOnOutOfMemoryError',
        '-Dquarkus.http.host=127.0.0.1',
        `-Dquarkus.http.port=${port}`,
        `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(folder, 'registry')}`,
        '-jar',
        join(binaries, registryJar),
      ],
      cwd: folder,
    },
    logFile,
    isReady: () => registryAnswers(url),
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 20_000,
  };
}
