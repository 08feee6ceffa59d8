/**
 * One rebalance from a member's side: say what we hold, and turn the partitions we are given into tasks.
 *
 * Invariant: what another member may take over is committed before the group is joined again, and a task's state is released
 * by its former holder here before its next holder here opens it.
 */
import { changelogTopic } from './internal-topics.ts';
import type { GroupConsumer, StateBackendFactory, TopicPartition } from './ports.ts';
import type { StandbyManager } from './standby-manager.ts';
import { encodeMemberState, RUNNING_POSITION, taskIdOf } from './task-assignor.ts';
import type { TaskManager } from './task-manager.ts';
import type { TaskPlace } from './task-opener.ts';
import type { SubTopology } from './topology.ts';

export interface Rebalancer {
  readonly applicationId: string;
  readonly processId: string;
  /** Where this process answers queries; empty where it does not. */
  readonly applicationServer: string;
  readonly subTopologies: readonly SubTopology[];
  readonly consumer: GroupConsumer;
  readonly tasks: TaskManager;
  readonly standbys: StandbyManager;
  readonly stateFactory: StateBackendFactory;
}

/** Commits, joins the group, and opens and closes tasks and warm copies as assigned. */
export async function rebalance(rebalancer: Rebalancer, stopping: AbortSignal): Promise<void> {
  const { consumer, tasks, standbys } = rebalancer;
  await tasks.commitAll();
  if (stopping.aborted) return;
  tasks.awaitAssignment();
  const partitions = await consumer.rejoin(await memberState(rebalancer));
  const { active, standby } = placesOf(partitions, rebalancer);
  await standbys.revoke(standby);
  await tasks.assign(active);
  standbys.open(standby);
}

async function memberState(rebalancer: Rebalancer): Promise<Uint8Array> {
  const { processId, applicationServer, tasks, standbys, stateFactory } = rebalancer;
  const held = new Map((await stateFactory.list()).map((taskId) => [taskId, 0]));
  for (const [taskId, position] of standbys.positions) held.set(taskId, position);
  for (const { taskId } of tasks.entries) held.set(taskId, RUNNING_POSITION);
  return encodeMemberState({ processId, applicationServer, tasks: Object.fromEntries(held) });
}

/** Input partitions mean tasks to run, changelog partitions warm copies to keep; see `TaskAssignor`. */
function placesOf(
  partitions: readonly TopicPartition[],
  { applicationId, subTopologies }: Rebalancer,
): { active: TaskPlace[]; standby: TaskPlace[] } {
  const active = new Map<string, TaskPlace>();
  const standby = new Map<string, TaskPlace>();
  for (const { topic, partition } of partitions) {
    for (const subTopology of subTopologies) {
      const place = { subTopology, partition };
      const taskId = taskIdOf(subTopology.id, partition);
      if (subTopology.sourceTopics.includes(topic)) active.set(taskId, place);
      if (subTopology.stores.some(({ name }) => changelogTopic(applicationId, name) === topic))
        standby.set(taskId, place);
    }
  }
  return { active: [...active.values()], standby: [...standby.values()] };
}
