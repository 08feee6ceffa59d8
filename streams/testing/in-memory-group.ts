/**
 * One consumer group of the in-memory log: its members, their eager rebalance, and its committed offsets.
 *
 * Invariant: partitions are handed out once per generation, after every member has joined it or has been dropped. From the
 * moment a rebalance begins until it joins again, each member is told so. A member that shows no sign of life for its session
 * timeout, or does not join within the rebalance timeout, is dropped, and the others rebalance.
 */
import { RetriableLogError } from '../errors.ts';
import type {
  Clock,
  CommittedPosition,
  GroupMember,
  InputPosition,
  PartitionAssignor,
  TopicPartition,
} from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import type { LogChanges } from './in-memory-changes.ts';
import type { ClientSession } from './in-memory-session.ts';

export interface JoinRequest extends GroupMember {
  readonly assignor: PartitionAssignor;
  readonly sessionTimeoutMs: number;
  readonly session: ClientSession;
}

export interface GroupContext {
  readonly clock: Clock;
  readonly changes: LogChanges;
  readonly rebalanceTimeoutMs: number;
  readonly partitionCounts: (topics: Iterable<string>) => ReadonlyMap<string, number>;
}

/** What a member gets of a generation. */
export interface JoinAnswer {
  readonly partitions: readonly TopicPartition[];
  /** What the leader told besides; empty for nothing. */
  readonly announced: Uint8Array;
}

interface Member {
  request: JoinRequest;
  /** Set from the member's join until the generation begins. */
  pending: PromiseWithResolvers<JoinAnswer> | undefined;
  /** Aborted when the member shows a sign of life. */
  silence: AbortController | undefined;
  readonly stopWatching: () => void;
}

const NOTHING_TOLD = new Uint8Array(0);

export class InMemoryGroup {
  readonly #context: GroupContext;
  /** In the order of joining; the first one leads. */
  readonly #members = new Map<string, Member>();
  readonly #positions = new Map<string, CommittedPosition>();
  #rebalance: { readonly reason: string; readonly completed: AbortController } | undefined;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  commitPositions(positions: readonly InputPosition[]): void {
    for (const position of positions) {
      const { offset, metadata = '' } = position;
      this.#positions.set(topicPartitionKey(position), { offset, metadata });
    }
  }

  committed(partition: TopicPartition): CommittedPosition | undefined {
    return this.#positions.get(topicPartitionKey(partition));
  }

  /** Why the member has to join again; undefined while its assignment stands. */
  rejoinReason(memberId: string): string | undefined {
    const member = this.#members.get(memberId);
    if (member === undefined) return 'the group does not know this member (any more)';
    return member.pending === undefined ? this.#rebalance?.reason : undefined;
  }

  /** Joins, for the first time or again. Resolves with the member's assignment once the generation begins. */
  join(request: JoinRequest): Promise<JoinAnswer> {
    const member = this.#members.get(request.memberId) ?? this.#admit(request);
    member.request = request;
    member.pending ??= Promise.withResolvers();
    const { promise } = member.pending;
    this.#beginRebalance(`${request.memberId} joins`);
    this.#completeIfAllJoined();
    return promise;
  }

  leave(memberId: string): void {
    this.#drop(memberId, 'leaves');
    this.#completeIfAllJoined();
  }

  /** The member shows no more signs of life: without one it is dropped after its session timeout. */
  fallSilent(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined || member.silence !== undefined) return;
    const silence = new AbortController();
    member.silence = silence;
    void this.#context.clock.sleep(member.request.sessionTimeoutMs, silence.signal).then(() => {
      if (silence.signal.aborted) return;
      this.#drop(memberId, 'lost its session');
      this.#completeIfAllJoined();
    });
  }

  #admit(request: JoinRequest): Member {
    const { memberId, session } = request;
    const stopWatching = session.onLiveness(() => {
      if (!session.running) return this.fallSilent(memberId);
      member.silence?.abort('alive');
      member.silence = undefined;
    });
    const member: Member = { request, pending: undefined, silence: undefined, stopWatching };
    this.#members.set(memberId, member);
    return member;
  }

  #drop(memberId: string, what: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.#members.delete(memberId);
    member.stopWatching();
    member.silence?.abort('dropped');
    member.pending?.reject(new RetriableLogError('UNKNOWN_MEMBER_ID', `${memberId} ${what}; join again`));
    this.#beginRebalance(`${memberId} ${what}`);
  }

  #beginRebalance(reason: string): void {
    if (this.#rebalance !== undefined) return;
    const completed = new AbortController();
    this.#rebalance = { reason, completed };
    this.#context.changes.notify();
    void this.#context.clock.sleep(this.#context.rebalanceTimeoutMs, completed.signal).then(() => {
      if (completed.signal.aborted) return;
      for (const [memberId, { pending }] of [...this.#members]) {
        if (pending === undefined) this.#drop(memberId, 'did not join in time');
      }
      this.#completeIfAllJoined();
    });
  }

  #completeIfAllJoined(): void {
    const members = [...this.#members.values()];
    if (this.#rebalance === undefined || members.some(({ pending }) => pending === undefined)) return;
    const assignments = this.#assign();
    if (assignments === undefined) return this.#completeIfAllJoined();
    this.#rebalance.completed.abort('completed');
    this.#rebalance = undefined;
    for (const member of members) {
      const { pending, request } = member;
      member.pending = undefined;
      pending?.resolve(assignments(request.memberId));
    }
    this.#context.changes.notify();
  }

  /** Runs the leader's assignor. A leader whose assignor fails is told so and dropped; the next member leads then. */
  #assign(): ((memberId: string) => JoinAnswer) | undefined {
    const requests = [...this.#members.values()].map(({ request }) => request);
    const leader = requests[0];
    if (leader === undefined) return () => ({ partitions: [], announced: NOTHING_TOLD });
    const members = requests.map(({ memberId, topics, userData }) => ({ memberId, topics, userData }));
    const topics = new Set(requests.flatMap((request) => request.topics));
    try {
      const counts = this.#context.partitionCounts(topics);
      const assigned = leader.assignor.assign(members, counts);
      const announced = leader.assignor.announcement?.(members, counts) ?? NOTHING_TOLD;
      return (memberId) => ({ partitions: assigned.get(memberId) ?? [], announced });
    } catch (error) {
      this.#members.get(leader.memberId)?.pending?.reject(error);
      this.#drop(leader.memberId, 'failed to assign');
      return undefined;
    }
  }
}
