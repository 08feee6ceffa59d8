/**
 * Random records through every scenario, here and in Kafka Streams, compared. Needs Maven and Java 17.
 * `npm run conformance:random -- [--rounds N] [--seed S] [--records N] [--only PART-OF-A-NAME]`. A round takes every scenario once;
 * a difference tells the seed that gives it again in one round. Ends with exit code 1 when there is one.
 */
import { parseArgs } from 'node:util';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { complaint, isComparable, paceFor } from './random-comparison.ts';
import { randomSteps } from './random-steps.ts';
import { runJava } from './run-java.ts';
import { linesOf, runOurs } from './run-ours.ts';
import { topicsOf } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** What one Java process runs, so that neither side holds more than that. */
const ROUNDS_AT_ONCE = 10;
const EVERY_RESTART = 17;
const MOST_SEEDS = 1_000_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % MOST_SEEDS) },
    records: { type: 'string', default: '80' },
    only: { type: 'string', default: '' },
  },
});

function whole(option: 'rounds' | 'seed' | 'records'): number {
  const number = Number(values[option]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`--${option} must be a whole number, not "${values[option]}".`);
}

const [rounds, seed, records] = [whole('rounds'), whole('seed'), whole('records')];
const compared = scenarios.filter(({ name }) => isComparable(name) && name.includes(values.only));
if (compared.length === 0) throw new Error(`No scenario that can be compared has "${values.only}" in its name.`);

/** The complaints of some rounds. */
async function compare(seeds: readonly number[]): Promise<readonly string[]> {
  const runs = seeds.flatMap((from) =>
    compared.map((scenario) => ({
      scenario,
      from,
      steps: randomSteps(scenario, paceFor(scenario.name), from, records),
    })),
  );
  const outcomes = runJava(
    runs.map(({ scenario, steps }) => ({ name: scenario.name, topics: topicsOf(scenario), steps })),
  );
  const complaints: string[] = [];
  for (const [index, { scenario, from, steps }] of runs.entries()) {
    const restartBefore = (step: number): boolean => step % EVERY_RESTART === EVERY_RESTART - 1;
    const ours = await runOurs(scenario, steps, new MemoryBackendFactory(), restartBefore);
    const wrong = complaint(scenario.name, linesOf(ours.outputs), linesOf(outcomes[index]?.outputs ?? []));
    if (wrong !== undefined) complaints.push(`${scenario.name} (--seed ${from}): ${wrong}`);
  }
  return complaints;
}

console.log(`${rounds} rounds of ${compared.length} topologies with ${records} random steps each, --seed ${seed}.`);
let differences = 0;
for (let done = 0; done < rounds; done += ROUNDS_AT_ONCE) {
  const count = Math.min(ROUNDS_AT_ONCE, rounds - done);
  const complaints = await compare(Array.from({ length: count }, (_, index) => seed + done + index));
  for (const line of complaints) console.log(line);
  differences += complaints.length;
  console.log(`${done + count} rounds, ${differences} differences.`);
}
process.exitCode = differences === 0 ? 0 : 1;
