/**
 * The membership in a consumer group: joining, keeping alive, leaving.
 *
 * Invariant: heartbeats go on from a successful join until the next join, the end of the membership or `leave`, also while a
 * rebalance waits for the owner to finish its work; the owner is told at most once per generation that it must join again.
 */
import { FatalLogError } from '../../streams/errors.ts';
import type { GroupConsumerOptions, Logger, TopicPartition } from '../../streams/ports.ts';
import { ConnectionFault } from './broker-link.ts';
import type { ClusterView } from './cluster.ts';
import type { KafkaConfig } from './config.ts';
import { isRetriableFault, toLogError } from './errors.ts';
import type { Api } from './protocol/api.ts';
import { ErrorCode, errorName, isRetriable, isStaleCoordinator, ProtocolError } from './protocol/error-codes.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  syncGroupApi,
  type JoinGroupResponse,
} from './protocol/group-apis.ts';
import type { ErrorResponse } from './protocol/transaction-apis.ts';
import { FaultLog, retryUntil } from './retry.ts';

const HEARTBEATS_PER_SESSION = 3;
/** A member learns of a rebalance by a heartbeat, so their interval is what a rebalance takes. */
const MAX_HEARTBEAT_INTERVAL_MS = 1_000;
const LEAVE_TIMEOUT_MS = 2_000;
/** Joining waits at the broker; heartbeats of the old generation have ended by then. */
const LANE = 'group';
/** Leaving must not stand behind a join. */
const LEAVE_LANE = 'leave';

/** Errors that end the membership: joining starts without a member id. */
const MEMBERSHIP_LOST = new Set<number>([ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID]);
/** Errors that ask to join again. */
const JOIN_AGAIN = new Set<number>([
  ...MEMBERSHIP_LOST,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.MEMBER_ID_REQUIRED,
]);

const asksToJoinAgain = (error: unknown): error is ProtocolError =>
  error instanceof ProtocolError && JOIN_AGAIN.has(error.errorCode);

export interface MembershipEvents {
  /** The group asks to join again, or the membership was lost. */
  readonly onRebalance: (reason: string) => void;
  readonly onFatal: (error: Error) => void;
}

export class GroupMembership {
  private readonly cluster: ClusterView;
  private readonly options: GroupConsumerOptions;
  private readonly config: KafkaConfig;
  private readonly events: MembershipEvents;
  private readonly logger: Logger;
  private readonly faultLog: FaultLog;
  private readonly stopping = new AbortController();
  private memberId = '';
  private generationId = -1;
  private timer: NodeJS.Timeout | undefined;
  private lastContactAt = 0;
  /** The id of the member that this process was before it crashed, until its membership is ended. */
  private former: string | undefined;

  constructor(cluster: ClusterView, options: GroupConsumerOptions, config: KafkaConfig, events: MembershipEvents) {
    this.cluster = cluster;
    this.options = options;
    this.config = config;
    this.events = events;
    this.logger = config.logger.child({ groupId: options.groupId, clientId: options.clientId });
    this.faultLog = new FaultLog(this.logger);
    this.former = options.memory?.recall();
  }

  /** Joins and resolves with the assignment. Rejects with `FatalLogError`, or `RetriableLogError` when the fault timeout is over. */
  async join(userData: Uint8Array): Promise<readonly TopicPartition[]> {
    this.stopHeartbeats();
    const metadata = encodeSubscription(this.options.topics, userData);
    const retriable = (error: unknown): boolean => isRetriableFault(error) || asksToJoinAgain(error);
    const what = `Joining the group "${this.options.groupId}"`;
    try {
      const assignment = await retryUntil(
        Date.now() + this.config.faultTimeoutMs,
        retriable,
        () => this.joinOnce(metadata),
        {
          signal: this.stopping.signal,
          onFault: (error) => {
            if (!asksToJoinAgain(error)) this.faultLog.fault(`${what} failed`, error);
          },
        },
      );
      this.faultLog.recovered('The group was joined');
      this.startHeartbeats();
      return assignment;
    } catch (error) {
      throw toLogError(error, what);
    }
  }

  private async joinOnce(metadata: Buffer): Promise<readonly TopicPartition[]> {
    for (const topic of this.options.topics) await this.cluster.partitionCount(topic);
    await this.endFormerMembership();
    const joined = await this.sendJoin(metadata);
    this.identifyAs(joined.memberId);
    this.generationId = joined.generationId;
    const assignments = joined.memberId === joined.leaderId ? await this.assign(joined) : new Map<string, Buffer>();
    const { assignment } = await this.ask(syncGroupApi, { ...this.identity, assignments }, this.longTimeoutMs);
    this.logger.info('Joined the group', { generationId: this.generationId, memberId: this.memberId });
    const { partitions, announced } = decodeAssignment(assignment);
    this.options.assignor.onAnnouncement?.(announced);
    return partitions;
  }

  /** Otherwise the group would let everybody wait until the session of the dead member ends. */
  private async endFormerMembership(): Promise<void> {
    const memberId = this.former;
    if (memberId === undefined) return;
    const { groupId } = this.options;
    try {
      await this.ask(leaveGroupApi, { groupId, memberId }, LEAVE_TIMEOUT_MS);
      this.logger.info('Ended the membership that an earlier process left behind', { memberId });
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.errorCode !== ErrorCode.UNKNOWN_MEMBER_ID) throw error;
      // The group has dropped it already.
    }
    this.former = undefined;
  }

  private identifyAs(memberId: string): void {
    if (memberId !== this.memberId) this.options.memory?.remember(memberId);
    this.memberId = memberId;
  }

  /** A first join is answered with a member id to join with; joining again with it at once spares the group a ghost. */
  private async sendJoin(metadata: Buffer): Promise<JoinGroupResponse> {
    const { groupId, sessionTimeoutMs, assignor } = this.options;
    const { rebalanceTimeoutMs } = this.config;
    const request = { groupId, sessionTimeoutMs, rebalanceTimeoutMs, protocol: assignor.name, metadata };
    const link = await this.cluster.coordinatorLink('group', groupId, LANE);
    return this.checked(async () => {
      const answer = await link.request(joinGroupApi, { ...request, memberId: this.memberId }, this.longTimeoutMs);
      if (answer.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) return answer;
      this.identifyAs(answer.memberId);
      return link.request(joinGroupApi, { ...request, memberId: this.memberId }, this.longTimeoutMs);
    }, joinGroupApi.name);
  }

  /** The leader's work: every member gets an answer, an empty one if the assignor gave it nothing. */
  private async assign(joined: JoinGroupResponse): Promise<ReadonlyMap<string, Buffer>> {
    const members = joined.members.map(({ memberId, metadata }) => decodeSubscription(memberId, metadata));
    const topics = [...new Set(members.flatMap((member) => member.topics))];
    await this.cluster.refresh(topics);
    const counts = new Map<string, number>();
    for (const topic of topics) counts.set(topic, await this.cluster.partitionCount(topic));
    const { assignor } = this.options;
    const assignment = assignor.assign(members, counts);
    const announced = assignor.announcement?.(members, counts);
    this.logger.info('Assigned the partitions of the group', {
      generationId: joined.generationId,
      members: members.length,
    });
    return new Map(
      members.map(({ memberId }) => [memberId, encodeAssignment(assignment.get(memberId) ?? [], announced)]),
    );
  }

  private get identity(): { groupId: string; generationId: number; memberId: string } {
    return { groupId: this.options.groupId, generationId: this.generationId, memberId: this.memberId };
  }

  /** For requests that the broker answers when the other members have sent theirs. */
  private get longTimeoutMs(): number {
    return this.config.requestTimeoutMs + this.config.rebalanceTimeoutMs + this.options.sessionTimeoutMs;
  }

  private async ask<Request, Response extends ErrorResponse>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs: number,
    lane = LANE,
  ): Promise<Response> {
    const link = await this.cluster.coordinatorLink('group', this.options.groupId, lane);
    return this.checked(() => link.request(api, request, timeoutMs), api.name);
  }

  /** Throws on an error code, after taking from it what it says about coordinator and membership. */
  private async checked<Response extends ErrorResponse>(send: () => Promise<Response>, api: string): Promise<Response> {
    const { groupId } = this.options;
    try {
      const response = await send();
      const { errorCode } = response;
      if (errorCode === ErrorCode.NONE) return response;
      if (isStaleCoordinator(errorCode)) this.cluster.forgetCoordinator('group', groupId);
      if (MEMBERSHIP_LOST.has(errorCode)) this.memberId = '';
      throw new ProtocolError(api, errorCode, `group "${groupId}"`);
    } catch (error) {
      if (error instanceof ConnectionFault) this.cluster.forgetCoordinator('group', groupId);
      throw error;
    }
  }

  private startHeartbeats(): void {
    if (this.stopping.signal.aborted) return;
    this.lastContactAt = Date.now();
    const { sessionTimeoutMs } = this.options;
    const intervalMs = Math.min(MAX_HEARTBEAT_INTERVAL_MS, sessionTimeoutMs / HEARTBEATS_PER_SESSION);
    let beating = false;
    let told = false;
    this.timer = setInterval(() => {
      if (beating) return;
      beating = true;
      void this.beat()
        .then((reason) => {
          if (reason === undefined || told) return;
          told = true;
          this.events.onRebalance(reason);
        })
        .finally(() => {
          beating = false;
        });
    }, intervalMs);
  }

  private stopHeartbeats(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Resolves with the reason to join again, if there is one. Never rejects. */
  private async beat(): Promise<string | undefined> {
    const { timer } = this;
    try {
      await this.ask(heartbeatApi, this.identity, this.options.sessionTimeoutMs / 2);
      this.lastContactAt = Date.now();
      this.faultLog.recovered('Heartbeats reach the group again');
      return undefined;
    } catch (error) {
      // Another join began or the membership ended while the heartbeat was on its way.
      if (timer !== this.timer) return undefined;
      if (asksToJoinAgain(error)) {
        this.lastContactAt = Date.now();
        if (MEMBERSHIP_LOST.has(error.errorCode)) this.stopHeartbeats();
        return errorName(error.errorCode);
      }
      if (error instanceof FatalLogError || (error instanceof ProtocolError && !isRetriable(error.errorCode))) {
        this.stopHeartbeats();
        this.events.onFatal(toLogError(error, `Keeping the membership in the group "${this.options.groupId}"`));
        return undefined;
      }
      this.faultLog.fault('A heartbeat failed', error);
      return Date.now() - this.lastContactAt > this.options.sessionTimeoutMs ? 'the session has ended' : undefined;
    }
  }

  /** Ends the membership, so that the group need not wait for the session to end. Bounded in time; never rejects. */
  async leave(): Promise<void> {
    this.stopHeartbeats();
    this.stopping.abort();
    if (this.memberId === '') return;
    const { groupId } = this.options;
    const { memberId } = this;
    this.memberId = '';
    try {
      await retryUntil(Date.now() + LEAVE_TIMEOUT_MS, isRetriableFault, () =>
        this.ask(leaveGroupApi, { groupId, memberId }, LEAVE_TIMEOUT_MS, LEAVE_LANE),
      );
    } catch (error) {
      this.logger.debug('The group was not left; it finds out when the session ends', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }
}
