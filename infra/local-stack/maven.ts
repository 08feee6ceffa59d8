/**
 * Downloads through Maven, with its own local repository as a cache. Invariant: a download ends within its time, checks
 * the checksums of what it fetched, and shows that it moves.
 */
import { CommandMissing, runCommand } from './child-process.ts';
import { describeDownload, MavenOutput } from './maven-progress.ts';
import type { Reporter } from './report.ts';
import { StackFailure } from './stack-failure.ts';

export interface MavenRun {
  /** What is downloaded, for the person who waits. */
  readonly title: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const downloadTimeoutMs = 15 * 60_000;
const noteIntervalMs = 500;

/** Arguments that copy the runtime dependencies of `pom.xml` into a folder. */
export const copyDependencies = (folder: string): string[] => [
  `${dependencyPlugin}:copy-dependencies`,
  '-DincludeScope=runtime',
  `-DoutputDirectory=${folder}`,
];

/** Arguments that copy one artefact (`group:artefact:version:type[:classifier]`) into a folder, under its file name. */
export const copyArtefact = (coordinates: string, folder: string): string[] => [
  `${dependencyPlugin}:copy`,
  `-Dartifact=${coordinates}`,
  `-DoutputDirectory=${folder}`,
];

/** Arguments that unpack one artefact into a folder. */
export const unpackArtefact = (coordinates: string, folder: string): string[] => [
  `${dependencyPlugin}:unpack`,
  `-Dartifact=${coordinates}`,
  `-DoutputDirectory=${folder}`,
];

export async function runMaven(run: MavenRun, reporter: Reporter, signal: AbortSignal): Promise<void> {
  const seen = new MavenOutput();
  const timer = setInterval(() => reporter.progress(describeDownload(run.title, seen.progress)), noteIntervalMs);
  try {
    const outcome = await runCommand(
      { command: 'mvn', args: ['--strict-checksums', ...run.args], cwd: run.cwd },
      { timeoutMs: downloadTimeoutMs, signal, onOutput: (text) => seen.feed(text) },
    );
    if (outcome.code !== 0) throw new StackFailure(explainFailure(run.title, outcome.output, outcome.timedOut));
  } catch (error) {
    if (error instanceof CommandMissing) throw new StackFailure(missingMaven(run.title));
    throw error;
  } finally {
    clearInterval(timer);
  }
}

const wayOut =
  'start Docker, or give the addresses of running services in KAFKA_BROKERS, SCHEMA_REGISTRY_URL and MYSQL_URL';

function missingMaven(title: string): string {
  return `Maven (mvn), which downloads ${title}, is missing: install it, ${wayOut}.`;
}

/** Says why a download failed, in the words of Maven's first error. */
export function explainFailure(title: string, output: string, timedOut: boolean): string {
  const reason = timedOut ? `it took longer than ${downloadTimeoutMs / 60_000} minutes` : firstError(output);
  return `${title} could not be downloaded (${reason}): check the network and start again, ${wayOut}.`;
}

function firstError(output: string): string {
  // Colours are taken out because the sentence also goes to logs.
  const plain = output.replace(/\u001b\[[\d;]*m/g, '');
  return /^\[ERROR\] (.+)$/m.exec(plain)?.[1]?.trim() ?? 'Maven gave no reason';
}
