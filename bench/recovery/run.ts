/**
 * The recovery benchmarks, each in a process of its own on services of its own, and their results in one file:
 *
 *     npm run recovery                          all of them
 *     npm run recovery -- restart memory        those
 *     npm run recovery -- restart -- --kills 1  with options of its own
 *
 * Needs Java; the Kafka Streams peer also Maven. Nothing here asserts a time.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { machine, versions } from '../support/machine.ts';

const PARTS = ['restart', 'memory', 'rolling'] as const;
const RESULTS = join(import.meta.dirname, '../results/recovery.json');
const PEER = join(import.meta.dirname, '../../../shared/peers/kafka-streams');

const given = process.argv.slice(2);
const end = given.indexOf('--');
const names = end < 0 ? given : given.slice(0, end);
const options = end < 0 ? [] : given.slice(end + 1);
const unknown = names.find((name) => !(PARTS as readonly string[]).includes(name));
if (unknown !== undefined)
  throw new Error(`There is no recovery benchmark "${unknown}"; choose of ${PARTS.join(', ')}.`);

/** Passes on what it says; resolves with its last line, which is its result. */
function run(name: string): Promise<object> {
  const peer = name === 'restart' && existsSync(PEER) && !options.includes('--peer') ? ['--peer', PEER] : [];
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...peer, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('{')) console.log(line);
      last = line;
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0 && last.startsWith('{')) resolve(JSON.parse(last) as object);
      else reject(new Error(`The recovery benchmark "${name}" ended with code ${code} and without a result.`));
    });
  });
}

for (const name of PARTS.filter((part) => names.length === 0 || names.includes(part))) {
  const result = await run(name);
  const kept = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as object) : {};
  const section = { date: new Date().toISOString(), machine: machine(), versions: versions(), ...result };
  mkdirSync(dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify({ ...kept, [name]: section }, undefined, 2)}\n`);
}
