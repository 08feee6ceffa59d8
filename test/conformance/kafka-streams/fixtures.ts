/** The fixtures that `npm run fixtures` wrote. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fixture } from './scenario.ts';

const directory = join(import.meta.dirname, '..', 'fixtures', 'kafka-streams');

export const fixtures: readonly Fixture[] = readdirSync(directory)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')) as Fixture);
