/**
 * Runs scenarios on Kafka Streams' own TopologyTestDriver, in `java/`. Needs Maven and Java 17.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fixture, Outcome } from './scenario.ts';

const project = join(import.meta.dirname, 'java');

export type JavaInput = Pick<Fixture, 'name' | 'topics' | 'steps'>;

/** In the order of the inputs. All of them in one process, since starting it is what takes time. */
export function runJava(inputs: readonly JavaInput[]): readonly Outcome[] {
  const directory = mkdtempSync(join(tmpdir(), 'kafka-streams-'));
  const [inputFile, outputFile] = [join(directory, 'inputs.json'), join(directory, 'outputs.json')];
  try {
    writeFileSync(inputFile, JSON.stringify(inputs));
    const args = ['-q', '-B', '-f', join(project, 'pom.xml'), 'compile', 'exec:java'];
    execFileSync('mvn', [...args, `-Dexec.args=${inputFile} ${outputFile}`], { stdio: 'inherit' });
    return JSON.parse(readFileSync(outputFile, 'utf8')) as Outcome[];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
