/**
 * Runs a scenario on our engine.
 */
import type { StateBackendFactory } from '../../../streams/ports.ts';
import { TopologyTestDriver } from '../../../streams/testing/topology-test-driver.ts';
import type { Topology } from '../../../streams/topology.ts';
import { serdeOf, topicsOf, topologyOf, type Outcome, type Output, type Scenario, type Step } from './scenario.ts';

const APPLICATION_ID = 'conformance';

/** Before which steps the tasks are dropped and opened again, as after a crash. */
export type RestartBefore = (step: number) => boolean;

/**
 * Every record comes twice: the first time it fails once everything that it caused has happened in its task, and goes to the dead
 * letters. So none of its effects may be left when it comes again.
 */
export async function runOursWithFailures(
  scenario: Scenario,
  steps: readonly Step[],
  stateFactory: StateBackendFactory,
): Promise<readonly Output[]> {
  const failing = { now: false, count: 0 };
  const topology = withFailures(topologyOf(scenario), Object.keys(scenario.inputs), failing);
  const driver = await TopologyTestDriver.start({ topology, stateFactory, config: { applicationId: APPLICATION_ID } });
  try {
    const twice = steps.flatMap((step) => [step, step]);
    const outputs = await pipe(driver, scenario, twice, (number) => {
      failing.now = number % 2 === 0 && 'topic' in (twice[number] as Step);
      return false;
    });
    if (failing.count === 0) throw new Error(`Nothing failed in ${scenario.name}.`);
    return outputs.map((output) => ({ ...output, step: (output.step - 1) / 2 }));
  } finally {
    await driver.close();
  }
}

/** The same topology with one more child behind all others of each source: it fails when it is told to. */
function withFailures(
  topology: Topology,
  inputs: readonly string[],
  failing: { readonly now: boolean; count: number },
): Topology {
  const sources = topology
    .build(APPLICATION_ID)
    .subTopologies.flatMap(({ nodes }) => nodes)
    .filter((node) => node.kind === 'source' && node.topics.some((topic) => inputs.includes(topic)));
  for (const { name } of sources) {
    const process = (): void => {
      if (!failing.now) return;
      failing.count += 1;
      throw new Error('This record fails.');
    };
    topology.addProcessor({ name: `failing-${name}`, supplier: () => ({ process }), parents: [name] });
  }
  return topology;
}

export async function runOurs(
  scenario: Scenario,
  steps: readonly Step[],
  stateFactory: StateBackendFactory,
  restartBefore: RestartBefore = () => false,
  partitions = 1,
): Promise<Outcome> {
  const topology = topologyOf(scenario);
  const config = { applicationId: APPLICATION_ID };
  const driver = await TopologyTestDriver.start({ topology, stateFactory, config, partitions });
  try {
    const outputs = await pipe(driver, scenario, steps, restartBefore);
    await requireNoDeadLetters(driver);
    const { subTopologies, globalStores, repartitionTopics } = topology.build(APPLICATION_ID);
    const stores = [...subTopologies.flatMap((sub) => sub.stores), ...globalStores.map(({ store }) => store)];
    return {
      outputs,
      stores: stores.map(({ name }) => name).sort(),
      repartitionTopics: repartitionTopics.map(({ topic }) => topic.slice(APPLICATION_ID.length + 1)).sort(),
    };
  } finally {
    await driver.close();
  }
}

async function pipe(
  driver: TopologyTestDriver,
  scenario: Scenario,
  steps: readonly Step[],
  restartBefore: RestartBefore,
): Promise<readonly Output[]> {
  const forms = Object.entries(topicsOf(scenario)).map(
    ([topic, { input, key, value }]) => ({ topic, input, key: serdeOf(key), value: serdeOf(value) }) as const,
  );
  const readers = forms
    .filter(({ input }) => !input)
    .map(({ topic, key, value }) => ({ topic, reader: driver.outputTopic(topic, key, value) }));
  const writers = new Map(
    forms.filter(({ input }) => input).map(({ topic, key, value }) => [topic, driver.inputTopic(topic, key, value)]),
  );
  const found: Output[] = [];
  for (const [number, step] of steps.entries()) {
    if (restartBefore(number)) await driver.restart();
    if ('topic' in step) {
      await writers.get(step.topic)?.pipe(step.key, step.value, { timestampMs: step.timestamp });
    } else {
      await driver.advanceWallClock(step.advanceWallClockMs);
    }
    for (const { topic, reader } of readers) {
      for (const { key, value, timestampMs } of await reader.read()) {
        found.push({ step: number, topic, key, value, timestamp: timestampMs });
      }
    }
  }
  return found;
}

/** A record that fails here and not there would otherwise just be missing. */
async function requireNoDeadLetters(driver: TopologyTestDriver): Promise<void> {
  const raw = { serialize: () => null, deserialize: (_: string, data: Uint8Array | null) => data };
  const letters = await driver.outputTopic<Uint8Array | null, Uint8Array | null>('dead-letters', raw, raw).read();
  const reasons = letters.map(({ headers }) =>
    (headers ?? []).map(([name, value]) => `${name}=${Buffer.from(value).toString('utf8')}`).join(' '),
  );
  if (reasons.length > 0) throw new Error(`Records went to the dead letters: ${reasons.join('\n')}`);
}

/** One line for each output, so that a difference can be read. */
export const linesOf = (outputs: readonly Output[]): string[] =>
  outputs.map(({ step, topic, key, value, timestamp }) => {
    const fields = [key, value].map((field) => JSON.stringify(field)).join(' ');
    return `${step} ${topic} ${fields} @${timestamp}`;
  });
