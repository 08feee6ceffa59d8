/**
 * Writes the fixtures: what Kafka Streams itself makes of every scenario. `npm run fixtures`
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { runJava } from './run-java.ts';
import { stepsOf, topicsOf, type Fixture } from './scenario.ts';
import { scenarios } from './scenarios.ts';

const directory = join(import.meta.dirname, '..', 'fixtures', 'kafka-streams');

const inputs = scenarios.map((scenario) => ({
  name: scenario.name,
  description: scenario.description,
  topics: topicsOf(scenario),
  steps: stepsOf(scenario),
}));
const outcomes = runJava(inputs);
mkdirSync(directory, { recursive: true });
for (const [index, input] of inputs.entries()) {
  const outcome = outcomes[index];
  if (outcome === undefined) throw new Error(`Kafka Streams said nothing about ${input.name}.`);
  const { outputs, stores, repartitionTopics } = outcome;
  const fixture: Fixture = { ...input, outputs, stores, repartitionTopics };
  const text = await format(JSON.stringify(fixture), { parser: 'json', printWidth: 120 });
  writeFileSync(join(directory, `${input.name}.json`), text);
}
console.log(`${inputs.length} fixtures written.`);
