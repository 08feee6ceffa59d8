/**
 * Whether results of random records are what they should be: those of Kafka Streams, in order, but for what a decision accounts
 * for.
 */
import { gentle, wild, type Pace } from './random-steps.ts';

/** Decision 20: theirs lack some final results. */
const MORE_RESULTS = /-on-close/;
/** Decision 23: unpaired records go sooner here. */
const SOONER_RESULTS = /^stream-(left|outer)-join|^stream-join-(by-value|chain)/;
/** Decision 22: streams of one cogroup have clocks of their own there, which only shows when one lags behind. */
const CLOCKS_APART = /^(tumbling|sliding|session)-cogroup/;
/** Decision 21: what is behind it is wrong there as soon as it swallows anything, so there is nothing to compare with. */
const SUMS_OFF = /^suppress-then-group$/;

export const isComparable = (name: string): boolean => !SUMS_OFF.test(name);

export const paceFor = (name: string): Pace => (CLOCKS_APART.test(name) ? gentle : wild);

const withoutStep = (line: string): string => line.slice(line.indexOf(' '));

/** What is wrong with our lines, or undefined. */
export function complaint(name: string, ours: readonly string[], theirs: readonly string[]): string | undefined {
  if (MORE_RESULTS.test(name)) return allOfTheirs(ours, theirs);
  if (SOONER_RESULTS.test(name)) return sameButSooner(ours, theirs);
  const at = Array.from({ length: Math.max(ours.length, theirs.length) }).findIndex((_, i) => ours[i] !== theirs[i]);
  return at < 0 ? undefined : `output ${at}: ours ${ours[at] ?? 'none'}, theirs ${theirs[at] ?? 'none'}`;
}

/** Theirs are among ours, in the same order. */
function allOfTheirs(ours: readonly string[], theirs: readonly string[]): string | undefined {
  const found = ours.reduce((count, line) => (line === theirs[count] ? count + 1 : count), 0);
  return found === theirs.length ? undefined : `lacks ${theirs[found]}`;
}

/** Theirs are among ours, each as often; what ours has besides is unpaired and would still come there. */
function sameButSooner(ours: readonly string[], theirs: readonly string[]): string | undefined {
  const left = ours.map(withoutStep);
  for (const line of theirs.map(withoutStep)) {
    const at = left.indexOf(line);
    if (at < 0) return `lacks${line}`;
    left.splice(at, 1);
  }
  const wrong = left.find((line) => !line.includes('null'));
  return wrong === undefined ? undefined : `has too often${wrong}`;
}
