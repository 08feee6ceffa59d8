/**
 * Random records through every scenario, here and in Kafka Streams, compared.
 * `npm run conformance:random -- [number to start the randomness from] [rounds]`. Needs Maven and Java 17.
 */
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { linesOf, runOurs } from './run-ours.ts';
import { runJava } from './run-java.ts';
import { topicsOf, type Scenario, type Step } from './scenario.ts';
import { scenarios } from './scenarios.ts';

const RECORDS = 80;
/** Steps of event time: mostly small, sometimes a jump; and how far a record may be out of order. */
const ADVANCES_MS = [0, 0, 0, 1, 1, 2, 3, 4, 6, 11, 30];
const DELAYS_MS = [0, 0, 0, 0, 1, 2, 4, 7, 12, 25];
const EVERY_RESTART = 17;

/** Scenarios in which ours is meant to differ (see `differences.ts`), by how. */
const MORE_RESULTS = /-on-close/;
const SOONER_RESULTS = /^stream-(left|outer)-join|^stream-join-(by-value|chain)/;
const OTHER_RESULTS = /^(suppress-then-group|(tumbling|sliding|session)-cogroup)/;

const [first = String(Date.now() % 1_000_000), rounds = '3'] = process.argv.slice(2);

/** Numbers in [0, 1), the same ones for the same beginning. */
function randomNumbers(beginning: number): () => number {
  let state = beginning;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomSteps({ inputs }: Scenario, random: () => number): Step[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const topics = Object.keys(inputs);
  let timeMs = 20;
  return Array.from({ length: RECORDS }, () => {
    const topic = pick(topics);
    const { keys, values } = inputs[topic] as (typeof inputs)[string];
    timeMs += pick(ADVANCES_MS);
    const timestamp = Math.max(0, timeMs - pick(DELAYS_MS));
    return { topic, key: pick(keys), value: pick(values), timestamp };
  });
}

const withoutStep = (line: string): string => line.slice(line.indexOf(' '));

/** What is wrong with our lines, or undefined. */
function complaint(name: string, ours: readonly string[], theirs: readonly string[]): string | undefined {
  if (MORE_RESULTS.test(name)) {
    // Theirs are among ours, in the same order.
    const next = ours.reduce((found, line) => (line === theirs[found] ? found + 1 : found), 0);
    return next === theirs.length ? undefined : `lacks ${theirs[next]}`;
  }
  if (SOONER_RESULTS.test(name)) {
    // Theirs are among ours, each as often or, at the end, still to come.
    const left = ours.map(withoutStep);
    for (const line of theirs.map(withoutStep)) {
      const at = left.indexOf(line);
      if (at < 0) return `lacks${line}`;
      left.splice(at, 1);
    }
    const wrong = left.find((line) => !line.includes('null'));
    return wrong === undefined ? undefined : `has too often${wrong}`;
  }
  const at = Array.from({ length: Math.max(ours.length, theirs.length) }).findIndex((_, i) => ours[i] !== theirs[i]);
  return at < 0 ? undefined : `output ${at}: ours ${ours[at] ?? 'none'}, theirs ${theirs[at] ?? 'none'}`;
}

const compared = scenarios.filter(({ name }) => !OTHER_RESULTS.test(name));
const runs = Array.from({ length: Number(rounds) }, (_, round) => Number(first) + round).flatMap((beginning) =>
  compared.map((scenario) => ({ scenario, beginning, steps: randomSteps(scenario, randomNumbers(beginning)) })),
);
const outcomes = runJava(
  runs.map(({ scenario, steps }) => ({ name: scenario.name, topics: topicsOf(scenario), steps })),
);
let differences = 0;
for (const [index, { scenario, beginning, steps }] of runs.entries()) {
  const restartBefore = (step: number): boolean => step % EVERY_RESTART === EVERY_RESTART - 1;
  const ours = await runOurs(scenario, steps, new MemoryBackendFactory(), restartBefore);
  const wrong = complaint(scenario.name, linesOf(ours.outputs), linesOf(outcomes[index]?.outputs ?? []));
  if (wrong === undefined) continue;
  differences += 1;
  console.log(`${scenario.name} (from ${beginning}): ${wrong}`);
}
console.log(`${runs.length} runs of ${RECORDS} records from ${first} on, ${differences} with differences.`);
process.exitCode = differences === 0 ? 0 : 1;
