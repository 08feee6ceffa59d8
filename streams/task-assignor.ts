/**
 * Which member runs which task, and which keeps a warm copy of it: balanced first, then sticky.
 *
 * Invariant: every partition goes to exactly one member, all partitions of one task to the same one; no member runs more than
 * one task more than another; a task and its warm copies are in different processes. The same input gives the same answer,
 * whichever member is the leader.
 */
import { changelogTopic } from './internal-topics.ts';
import type { GroupMember, PartitionAssignor, TopicPartition } from './ports.ts';
import {
  decodeStreamsMetadata,
  encodeStreamsMetadata,
  type InstanceMetadata,
  type StreamsMetadata,
} from './queries/streams-metadata.ts';
import type { SubTopology } from './topology.ts';

/** What a member tells the leader about itself. */
export interface MemberState {
  /** Threads of one process share a state directory, so a warm copy in the same process would be none. */
  readonly processId: string;
  /** Task ids it has state for, with how far that stands (sum of changelog positions): more means less to restore. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Where the process answers queries, such as `http://10.0.0.7:4001`; left out where it does not. */
  readonly applicationServer?: string;
  /** The member asks every instance of the application to stop. */
  readonly shutdown?: boolean;
}

/** The position of a task that is running: nobody's state is closer. */
export const RUNNING_POSITION = Number.MAX_SAFE_INTEGER;

const utf8 = new TextEncoder();
const text = new TextDecoder();

export const encodeMemberState = (state: MemberState): Uint8Array => utf8.encode(JSON.stringify(state));

/** Unreadable user data (another version's) counts as none: the member starts without preference. */
export function decodeMemberState(bytes: Uint8Array): MemberState | undefined {
  try {
    const parsed: unknown = JSON.parse(text.decode(bytes));
    if (typeof parsed === 'object' && parsed !== null && 'tasks' in parsed) return parsed as MemberState;
  } catch {
    // Fall through: not ours.
  }
  return undefined;
}

export const taskIdOf = (subTopologyId: number, partition: number): string => `${subTopologyId}_${partition}`;

export interface TaskAssignorOptions {
  readonly applicationId: string;
  readonly subTopologies: readonly SubTopology[];
  /** Warm copies of each task, as far as there are other processes to hold them. */
  readonly standbyReplicas: number;
  readonly globalStores?: readonly string[];
  /** Each member hears who runs what. */
  readonly onMetadata?: (metadata: StreamsMetadata) => void;
}

interface TaskToAssign {
  readonly id: string;
  readonly subTopologyId: number;
  readonly inputs: readonly TopicPartition[];
  /** Empty for a task without logged state: it needs no warm copy. */
  readonly changelogs: readonly TopicPartition[];
}

interface Member {
  readonly memberId: string;
  readonly processId: string;
  readonly applicationServer: string;
  readonly shutdown: boolean;
  readonly positions: Readonly<Record<string, number>>;
  readonly active: TaskToAssign[];
  readonly standby: TaskToAssign[];
}

/**
 * A member's assignment lists the input partitions of the tasks that it runs and the changelog partitions of those that it
 * keeps warm; so warm copies need nothing of the group protocol beyond partitions.
 */
export class TaskAssignor implements PartitionAssignor {
  readonly name = 'streams-sticky-task';
  readonly #options: TaskAssignorOptions;

  constructor(options: TaskAssignorOptions) {
    this.#options = options;
  }

  assign(
    groupMembers: readonly GroupMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): ReadonlyMap<string, readonly TopicPartition[]> {
    return new Map(
      this.#members(groupMembers, partitionCounts).map(({ memberId, active, standby }) => [
        memberId,
        [...active.flatMap(({ inputs }) => inputs), ...standby.flatMap(({ changelogs }) => changelogs)],
      ]),
    );
  }

  /** The assignment as `StreamsMetadata`. It is worked out again: the same input gives the same answer. */
  announcement(groupMembers: readonly GroupMember[], partitionCounts: ReadonlyMap<string, number>): Uint8Array {
    const { subTopologies, globalStores = [] } = this.#options;
    const members = this.#members(groupMembers, partitionCounts);
    const tasks = this.#tasks(partitionCounts);
    return encodeStreamsMetadata({
      instances: [...Map.groupBy(members, ({ processId }) => processId).values()].map(toInstance),
      stores: Object.fromEntries(subTopologies.flatMap(({ id, stores }) => stores.map(({ name }) => [name, id]))),
      globalStores,
      tasks: Object.fromEntries(
        subTopologies.map(({ id }) => [id, tasks.filter(({ subTopologyId }) => subTopologyId === id).length]),
      ),
      shutdown: members.some(({ shutdown }) => shutdown),
    });
  }

  onAnnouncement(announced: Uint8Array): void {
    const metadata = decodeStreamsMetadata(announced);
    if (metadata !== undefined) this.#options.onMetadata?.(metadata);
  }

  #members(groupMembers: readonly GroupMember[], partitionCounts: ReadonlyMap<string, number>): readonly Member[] {
    const members = [...groupMembers].sort((a, b) => (a.memberId < b.memberId ? -1 : 1)).map(toMember);
    const tasks = this.#tasks(partitionCounts);
    const quota = Math.ceil(tasks.length / Math.max(1, members.length));
    const moved = tasks.filter((task) => !giveToFormerOwner(task, members, quota));
    for (const task of moved) leastActive(members)?.active.push(task);
    balance(members);
    for (const task of tasks) placeStandbys(task, members, this.#options.standbyReplicas);
    return members;
  }

  #tasks(partitionCounts: ReadonlyMap<string, number>): TaskToAssign[] {
    const { applicationId, subTopologies } = this.#options;
    return subTopologies.flatMap(({ id, sourceTopics, stores }) => {
      const count = Math.max(0, ...sourceTopics.map((topic) => partitionCounts.get(topic) ?? 0));
      const logged = stores.filter(({ loggingEnabled }) => loggingEnabled);
      return Array.from({ length: count }, (_, partition) => ({
        id: taskIdOf(id, partition),
        subTopologyId: id,
        inputs: sourceTopics
          .filter((topic) => partition < (partitionCounts.get(topic) ?? 0))
          .map((topic) => ({ topic, partition })),
        changelogs: logged.map(({ name }) => ({ topic: changelogTopic(applicationId, name), partition })),
      }));
    });
  }
}

function toMember({ memberId, userData }: GroupMember): Member {
  const state = decodeMemberState(userData);
  const processId = state?.processId || memberId;
  return {
    memberId,
    processId,
    applicationServer: state?.applicationServer ?? '',
    shutdown: state?.shutdown === true,
    positions: state?.tasks ?? {},
    active: [],
    standby: [],
  };
}

/** The members of one process as one. */
function toInstance(members: readonly Member[]): InstanceMetadata {
  const ids = (tasks: readonly TaskToAssign[]): string[] => tasks.map(({ id }) => id);
  const active = members.flatMap((member) => ids(member.active));
  const standby = members.flatMap((member) => ids(member.standby));
  const positions = Object.assign({}, ...members.map((member) => member.positions)) as Record<string, number>;
  const held = [...active, ...standby].filter(
    (id) => positions[id] !== undefined && positions[id] !== RUNNING_POSITION,
  );
  return {
    processId: members[0]?.processId ?? '',
    applicationServer: members.find(({ applicationServer }) => applicationServer !== '')?.applicationServer ?? '',
    active,
    standby,
    positions: Object.fromEntries(held.map((id) => [id, positions[id] ?? 0])),
  };
}

/** To the member with the most of the task's state, if it has room. */
function giveToFormerOwner(task: TaskToAssign, members: readonly Member[], quota: number): boolean {
  let best: Member | undefined;
  let bestPosition = -1;
  for (const member of members) {
    const position = member.positions[task.id] ?? -1;
    if (position > bestPosition && member.active.length < quota) {
      best = member;
      bestPosition = position;
    }
  }
  best?.active.push(task);
  return best !== undefined;
}

function leastActive(members: readonly Member[]): Member | undefined {
  return members.reduce<Member | undefined>(
    (least, member) => (least === undefined || member.active.length < least.active.length ? member : least),
    undefined,
  );
}

function balance(members: readonly Member[]): void {
  for (;;) {
    const sorted = [...members].sort((a, b) => b.active.length - a.active.length);
    const [most, least] = [sorted[0], sorted.at(-1)];
    if (most === undefined || least === undefined || most.active.length - least.active.length <= 1) return;
    least.active.push(most.active.pop() as TaskToAssign);
  }
}

/** In processes that do not run the task, one copy each; where most of the state is first, then where least is to do. */
function placeStandbys(task: TaskToAssign, members: readonly Member[], replicas: number): void {
  if (task.changelogs.length === 0) return;
  const used = new Set(members.filter(({ active }) => active.includes(task)).map(({ processId }) => processId));
  for (let replica = 0; replica < replicas; replica++) {
    const candidates = members.filter(({ processId }) => !used.has(processId));
    const [chosen] = candidates.sort(
      (a, b) =>
        (b.positions[task.id] ?? -1) - (a.positions[task.id] ?? -1) ||
        a.standby.length - b.standby.length ||
        a.active.length - b.active.length,
    );
    if (chosen === undefined) return;
    chosen.standby.push(task);
    used.add(chosen.processId);
  }
}
