/**
 * `alerts reset`: makes an application of the processor start over.
 *
 * Invariant: nothing is deleted while a processor is a member of the group, and the changelogs go last: a reset that is cut short
 * leaves a processor that reads alerts again which it knows, never one that goes on without what it knew. Run again, it is completed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplicationName } from '../../connectors/config/processes.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { StateLockedError } from '../../streams/errors.ts';
import { changelogTopic } from '../../streams/internal-topics.ts';
import type { StateBackendFactory } from '../../streams/ports.ts';
import type { BuiltTopology } from '../../streams/topology.ts';
import type { CommandContext } from '../context.ts';
import { refusal } from '../exit-codes.ts';
import type { Services } from '../services.ts';
import { builtApplication } from '../system/describe.ts';

interface ResetPlan {
  readonly group: string;
  /** Changelogs and repartition topics. */
  readonly internalTopics: readonly string[];
  readonly stateDirectory: string;
  /** Tasks whose state is on this machine. */
  readonly tasks: readonly string[];
}

export async function reset(
  context: CommandContext,
  application: ApplicationName,
  { yes }: { yes?: boolean },
): Promise<void> {
  const services = await context.services();
  const { applicationId, topology } = builtApplication(application, services.config.topicPrefix);
  await requireStopped(services, applicationId);
  const stateDirectory = join(services.config.dataDir, 'state', applicationId);
  const states = new RocksDbBackendFactory({ stateDir: stateDirectory });
  const internalTopics = internalTopicsOf(applicationId, topology);
  const existing = await services.admin.partitionCounts(internalTopics);
  const plan: ResetPlan = {
    group: applicationId,
    internalTopics: internalTopics.filter((name) => existing.has(name)),
    stateDirectory,
    tasks: existsSync(stateDirectory) ? await states.list() : [],
  };
  if (!yes) throw refusal(`This deletes, for good:\n${describe(plan)}\nAdd --yes to do it.`);
  await carryOut(plan, states, services);
  context.show(
    plan,
    () => `Deleted:\n${describe(plan)}\nThe application begins at the start of ${inputsOf(topology, plan).join(', ')}.`,
  );
}

const internalTopicsOf = (applicationId: string, { subTopologies, repartitionTopics }: BuiltTopology): string[] => [
  ...subTopologies.flatMap(({ stores }) =>
    stores.filter(({ loggingEnabled }) => loggingEnabled).map(({ name }) => changelogTopic(applicationId, name)),
  ),
  ...repartitionTopics.map(({ topic }) => topic),
];

const inputsOf = ({ subTopologies }: BuiltTopology, { internalTopics }: ResetPlan): readonly string[] =>
  subTopologies.flatMap(({ sourceTopics }) => sourceTopics).filter((topic) => !internalTopics.includes(topic));

async function requireStopped({ admin }: Services, applicationId: string): Promise<void> {
  const { members } = await admin.describeGroup(applicationId);
  if (members.length === 0) return;
  const names = [...new Set(members.map(({ clientId, clientHost }) => `${clientId} at ${clientHost}`))];
  throw refusal(
    `A processor runs: ${names.join(', ')}. Stop it first; one that was killed leaves its group after 10 s.`,
  );
}

async function carryOut(plan: ResetPlan, states: StateBackendFactory, { admin }: Services): Promise<void> {
  try {
    for (const task of plan.tasks) await states.destroy(task);
  } catch (error) {
    if (!(error instanceof StateLockedError)) throw error;
    throw refusal(`A process has the state in ${plan.stateDirectory} open: ${error.message}`);
  }
  await admin.deleteGroups([plan.group]);
  await admin.deleteTopics(plan.internalTopics);
}

function describe({ group, internalTopics, stateDirectory, tasks }: ResetPlan): string {
  const lines = [
    `committed offsets of the group ${group}`,
    ...internalTopics.map((name) => `topic ${name}`),
    ...tasks.map((task) => `local state ${join(stateDirectory, task)}`),
  ];
  return lines.map((line) => `  ${line}`).join('\n');
}
