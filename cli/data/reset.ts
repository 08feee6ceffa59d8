/**
 * `alerts reset`: makes the processor start over.
 *
 * Invariant: nothing is deleted while a processor is a member of the group, and the changelogs go last: a reset that is cut short
 * leaves a processor that reads alerts again which it knows, never one that goes on without what it knew. Run again, it is completed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { StateLockedError } from '../../streams/errors.ts';
import type { StateBackendFactory } from '../../streams/ports.ts';
import type { CommandContext } from '../context.ts';
import { refusal } from '../exit-codes.ts';
import type { Services } from '../services.ts';
import { changelogsOf } from '../system/topics.ts';

interface ResetPlan {
  readonly group: string;
  readonly changelogs: readonly string[];
  readonly stateDirectory: string;
  /** Tasks whose state is on this machine. */
  readonly tasks: readonly string[];
}

export async function reset(context: CommandContext, { yes }: { yes?: boolean }): Promise<void> {
  const services = await context.services();
  await requireStopped(services);
  const stateDirectory = join(services.config.dataDir, 'state', services.applicationId);
  const states = new RocksDbBackendFactory({ stateDir: stateDirectory });
  const changelogs = changelogsOf(services);
  const existing = await services.admin.partitionCounts(changelogs);
  const plan: ResetPlan = {
    group: services.applicationId,
    changelogs: changelogs.filter((name) => existing.has(name)),
    stateDirectory,
    tasks: existsSync(stateDirectory) ? await states.list() : [],
  };
  if (!yes) throw refusal(`This deletes, for good:\n${describe(plan)}\nAdd --yes to do it.`);
  await carryOut(plan, states, services);
  context.show(
    plan,
    () => `Deleted:\n${describe(plan)}\nThe processor begins at the start of ${services.topics.rawAlerts}.`,
  );
}

async function requireStopped({ admin, applicationId }: Services): Promise<void> {
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
  await admin.deleteTopics(plan.changelogs);
}

function describe({ group, changelogs, stateDirectory, tasks }: ResetPlan): string {
  const lines = [
    `committed offsets of the group ${group}`,
    ...changelogs.map((name) => `topic ${name}`),
    ...tasks.map((task) => `local state ${join(stateDirectory, task)}`),
  ];
  return lines.map((line) => `  ${line}`).join('\n');
}
