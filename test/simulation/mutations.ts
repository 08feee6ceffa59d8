/**
 * Does the simulator find bugs? Plants each mutation of the list into a copy of the engine and runs seeds until one of them
 * fails: `npm run simulate:mutations -- [--only NAME] [--seeds LIMIT] [--jobs THREADS] [--out FILE]`. `--out` keeps what was found
 * as JSON. Ends with exit code 1 when one is not found.
 *
 * Invariant: the working tree is only read; every copy is removed in the end.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutations, type Mutation } from './mutations/list.ts';
import { mutated } from './mutations/mutated.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '2000' },
    jobs: { type: 'string', default: '2' },
    out: { type: 'string' },
  },
});

const root = join(import.meta.dirname, '../..');
/** What the simulator needs; it needs no packages. */
const copied = ['package.json', 'streams', 'state', 'test/simulation'];

interface Finding {
  /** How many seeds it took; undefined when it was not found. */
  readonly seeds: number | undefined;
  /** The failure, in its first line. */
  readonly how: string;
}

async function find(mutation: Mutation): Promise<Finding> {
  const copy = await mkdtemp(join(tmpdir(), 'mutation-'));
  try {
    for (const path of copied) await cp(join(root, path), join(copy, path), { recursive: true });
    await writeFile(join(copy, mutation.file), await mutated(root, mutation));
    return await simulate(copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

function simulate(directory: string): Promise<Finding> {
  const args = [join(directory, 'test/simulation/simulate.ts'), '--seeds', values.seeds, '--jobs', values.jobs];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (told += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve({ seeds: undefined, how: '' });
      const seeds = /^Found after (\d+) seeds\.$/m.exec(told)?.[1];
      const how = /^Seed \d+ fails: (.*)$/m.exec(told)?.[1];
      if (seeds === undefined || how === undefined) return reject(new Error(`The simulator did not run: ${told}`));
      resolve({ seeds: Number(seeds), how });
    });
  });
}

const HOW_WIDTH = 140;

const chosen = mutations.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) throw new Error(`There is no mutation "${values.only}".`);
const findings: (Finding & Pick<Mutation, 'name' | 'bug'>)[] = [];
for (const mutation of chosen) {
  const { name, bug } = mutation;
  const { seeds, how } = await find(mutation);
  findings.push({ name, bug, seeds, how });
  const told = seeds === undefined ? `NOT FOUND in ${values.seeds} seeds: ${bug}` : how.slice(0, HOW_WIDTH);
  console.log(`${name.padEnd(28)} ${String(seeds ?? '-').padStart(6)}  ${told}`);
}
const missed = findings.filter(({ seeds }) => seeds === undefined).length;
if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(findings, null, 2)}\n`);
console.log(`${chosen.length - missed} of ${chosen.length} mutations were found.`);
process.exitCode = missed === 0 ? 0 : 1;
