/**
 * Which member runs which task: balanced first, then sticky.
 *
 * Invariant: every partition goes to exactly one member, all partitions of one task to the same one; no member runs more than
 * one task more than another. The same input gives the same answer, whichever member is the leader.
 */
import type { GroupMember, PartitionAssignor, TopicPartition } from './ports.ts';
import type { SubTopology } from './topology.ts';

/** What a member tells the leader about itself. */
export interface MemberState {
  /** Task ids it runs or has state for, with how far the state stands (sum of positions); more means less to restore. */
  readonly tasks: Readonly<Record<string, number>>;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

export const encodeMemberState = (state: MemberState): Uint8Array => utf8.encode(JSON.stringify(state));

/** Unreadable user data (another version's) counts as none: the member starts without preference. */
export function decodeMemberState(bytes: Uint8Array): MemberState {
  try {
    const parsed: unknown = JSON.parse(text.decode(bytes));
    if (typeof parsed === 'object' && parsed !== null && 'tasks' in parsed) return parsed as MemberState;
  } catch {
    // Fall through: not ours.
  }
  return { tasks: {} };
}

export const taskIdOf = (subTopologyId: number, partition: number): string => `${subTopologyId}_${partition}`;

interface TaskToAssign {
  readonly id: string;
  readonly partitions: readonly TopicPartition[];
}

export class TaskAssignor implements PartitionAssignor {
  readonly name = 'streams-sticky-task';
  readonly #subTopologies: readonly SubTopology[];

  constructor(subTopologies: readonly SubTopology[]) {
    this.#subTopologies = subTopologies;
  }

  assign(
    members: readonly GroupMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): ReadonlyMap<string, readonly TopicPartition[]> {
    const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const states = new Map(sorted.map((member) => [member.memberId, decodeMemberState(member.userData)]));
    const assigned = new Map(sorted.map(({ memberId }) => [memberId, [] as TaskToAssign[]]));
    const tasks = this.#tasks(partitionCounts);
    const quota = Math.ceil(tasks.length / Math.max(1, sorted.length));
    const moved = tasks.filter((task) => !giveToFormerOwner(task, states, assigned, quota));
    for (const task of moved) leastLoaded(assigned).push(task);
    balance(assigned);
    return new Map([...assigned].map(([memberId, given]) => [memberId, given.flatMap(({ partitions }) => partitions)]));
  }

  #tasks(partitionCounts: ReadonlyMap<string, number>): TaskToAssign[] {
    return this.#subTopologies.flatMap(({ id, sourceTopics }) => {
      const count = Math.max(0, ...sourceTopics.map((topic) => partitionCounts.get(topic) ?? 0));
      return Array.from({ length: count }, (_, partition) => ({
        id: taskIdOf(id, partition),
        partitions: sourceTopics
          .filter((topic) => partition < (partitionCounts.get(topic) ?? 0))
          .map((topic) => ({ topic, partition })),
      }));
    });
  }
}

/** The member with the most of the task's state, if it has room. */
function giveToFormerOwner(
  task: TaskToAssign,
  states: ReadonlyMap<string, MemberState>,
  assigned: ReadonlyMap<string, TaskToAssign[]>,
  quota: number,
): boolean {
  let best: string | undefined;
  let bestPosition = -1;
  for (const [memberId, { tasks }] of states) {
    const position = tasks[task.id] ?? -1;
    if (position > bestPosition && (assigned.get(memberId)?.length ?? 0) < quota) {
      best = memberId;
      bestPosition = position;
    }
  }
  if (best === undefined) return false;
  assigned.get(best)?.push(task);
  return true;
}

function leastLoaded(assigned: ReadonlyMap<string, TaskToAssign[]>): TaskToAssign[] {
  return [...assigned.values()].reduce((least, given) => (given.length < least.length ? given : least));
}

function balance(assigned: ReadonlyMap<string, TaskToAssign[]>): void {
  for (;;) {
    const most = [...assigned.values()].reduce((a, b) => (b.length > a.length ? b : a));
    const least = leastLoaded(assigned);
    if (most.length - least.length <= 1) return;
    least.push(most.pop() as TaskToAssign);
  }
}
