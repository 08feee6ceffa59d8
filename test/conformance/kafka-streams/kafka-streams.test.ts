/**
 * Our DSL beside that of Kafka Streams: the same topologies on the same records give the same results, in the same order, but
 * for the differences that a decision accounts for.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryKind, rocksDbKind } from '../state-backend-fixtures.ts';
import { differences } from './differences.ts';
import { fixtures } from './fixtures.ts';
import { linesOf, runOurs, runOursWithFailures, type RestartBefore } from './run-ours.ts';
import { stepsOf, topicsOf, type Fixture, type Output } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { aggregateScenarios } from './scenarios/aggregates.ts';
import { foreignKeyJoinScenarios } from './scenarios/foreign-key-joins.ts';
import { statelessScenarios } from './scenarios/stateless.ts';
import { tableJoinScenarios } from './scenarios/table-joins.ts';
import { tableScenarios } from './scenarios/tables.ts';

const byName = new Map(scenarios.map((scenario) => [scenario.name, scenario]));
const never: RestartBefore = () => false;
const always: RestartBefore = () => true;

const scenarioOf = ({ name }: Fixture) => {
  const scenario = byName.get(name);
  if (scenario === undefined) throw new Error(`No topology for the fixture ${name}; remove it.`);
  return scenario;
};

function expectedLines({ name, outputs }: Fixture): string[] {
  const ours = differences[name]?.ours;
  return ours === undefined ? linesOf(outputs) : ours.trim().split(/\n\s*/);
}

/** Kafka Streams ends the names of the two topics of a foreign-key join in another way. */
const asOurs = (topic: string): string => topic.replace(/-topic$/, '-repartition');

describe('Kafka Streams fixtures', () => {
  it('are there for every scenario, of the steps it has', () => {
    expect(fixtures.map(({ name }) => name)).toEqual([...byName.keys()].sort());
    for (const fixture of fixtures) {
      const scenario = scenarioOf(fixture);
      expect(fixture.steps, fixture.name).toEqual(stepsOf(scenario));
      expect(fixture.topics, fixture.name).toEqual(topicsOf(scenario));
    }
  });

  it.each(Object.entries(differences))('differ where a decision says why: %s', (name, { decision }) => {
    const fixture = fixtures.find((candidate) => candidate.name === name) as Fixture;
    expect(expectedLines(fixture)).not.toEqual(linesOf(fixture.outputs));
    expect(existsSync(join(import.meta.dirname, '../../../docs/decisions', `${decision}.md`))).toBe(true);
  });
});

describe.each([
  ['in memory', memoryKind, never],
  ['on RocksDB', rocksDbKind, never],
  ['in memory, restarted before each record', memoryKind, always],
] as const)('the DSL %s', (_, kind, restartBefore) => {
  it.each(fixtures)('does as Kafka Streams does: $name: $description [INV-KAFKA-STREAMS]', async (fixture) => {
    const backend = await kind.fixture();
    try {
      const ours = await runOurs(scenarioOf(fixture), fixture.steps, backend.factory, restartBefore);
      expect(linesOf(ours.outputs)).toEqual(expectedLines(fixture));
      expect(ours.stores).toEqual(fixture.stores);
      expect(ours.repartitionTopics).toEqual(fixture.repartitionTopics.map(asOurs));
    } finally {
      await backend.dispose();
    }
  });
});

describe('the DSL, each record of which fails once before it passes', () => {
  it.each(fixtures)('keeps nothing of the failure: $name: $description [INV-ATOMIC-RECORD]', async (fixture) => {
    const backend = await memoryKind.fixture();
    const outputs = await runOursWithFailures(scenarioOf(fixture), fixture.steps, backend.factory);
    expect(linesOf(outputs)).toEqual(expectedLines(fixture));
  });
});

/** Those whose results do not depend on how far the time of a task has come, which differs from partition to partition. */
const timeless = new Set(
  [...statelessScenarios, ...aggregateScenarios, ...tableScenarios, ...tableJoinScenarios, ...foreignKeyJoinScenarios]
    .map(({ name }) => name)
    .filter((name) => !/versioned|window/.test(name)),
);

/** Results of one step come from several partitions in any order, but those of a key from one. */
const byStepAndKey = (outputs: readonly Output[]): string[] =>
  linesOf(
    outputs.toSorted(
      (a, b) =>
        a.step - b.step || a.topic.localeCompare(b.topic) || JSON.stringify(a.key).localeCompare(JSON.stringify(b.key)),
    ),
  );

describe('the DSL on three partitions', () => {
  it.each(fixtures.filter(({ name }) => timeless.has(name)))(
    'gives what one partition gives: $name: $description [INV-PARTITIONED]',
    async (fixture) => {
      const backend = await memoryKind.fixture();
      const ours = await runOurs(scenarioOf(fixture), fixture.steps, backend.factory, never, 3);
      expect(byStepAndKey(ours.outputs)).toEqual(byStepAndKey(fixture.outputs));
    },
  );
});
