/**
 * Requests of a group member: join, sync, heartbeat, leave; and what members and assignments look like inside them.
 */
import type { GroupMember, TopicPartition } from '../../../streams/ports.ts';
import { readTopics, writeTopics, type Api } from './api.ts';
import type { ErrorResponse } from './transaction-apis.ts';
import { WireReader, WireWriter } from './wire.ts';

export interface JoinGroupRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly memberId: string;
  readonly protocol: string;
  readonly metadata: Buffer;
}

export interface JoinGroupResponse extends ErrorResponse {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** Filled in the answer to the leader only. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

export const joinGroupApi: Api<JoinGroupRequest, JoinGroupResponse> = {
  name: 'JoinGroup',
  key: 11,
  version: 5,
  flexible: false,
  write: (writer, request) => {
    writer.string(request.groupId).int32(request.sessionTimeoutMs).int32(request.rebalanceTimeoutMs);
    writer.string(request.memberId).string(null).string('consumer');
    writer.array([request], ({ protocol, metadata }) => writer.string(protocol).bytes(metadata));
  },
  read: (reader) => {
    reader.int32();
    const errorCode = reader.int16();
    const generationId = reader.int32();
    reader.string();
    const leaderId = reader.string() ?? '';
    const memberId = reader.string() ?? '';
    const members = reader.array(() => {
      const id = reader.string() ?? '';
      reader.string();
      return { memberId: id, metadata: reader.bytes() ?? Buffer.alloc(0) };
    });
    return { errorCode, generationId, leaderId, memberId, members };
  },
};

export interface MemberIdentity {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
}

export const syncGroupApi: Api<
  MemberIdentity & { readonly assignments: ReadonlyMap<string, Buffer> },
  ErrorResponse & { readonly assignment: Buffer }
> = {
  name: 'SyncGroup',
  key: 14,
  version: 3,
  flexible: false,
  write: (writer, { groupId, generationId, memberId, assignments }) => {
    writer.string(groupId).int32(generationId).string(memberId).string(null);
    writer.array([...assignments], ([id, assignment]) => writer.string(id).bytes(assignment));
  },
  read: (reader) => {
    reader.int32();
    return { errorCode: reader.int16(), assignment: reader.bytes() ?? Buffer.alloc(0) };
  },
};

export const heartbeatApi: Api<MemberIdentity, ErrorResponse> = {
  name: 'Heartbeat',
  key: 12,
  version: 3,
  flexible: false,
  write: (writer, { groupId, generationId, memberId }) => {
    writer.string(groupId).int32(generationId).string(memberId).string(null);
  },
  read: (reader) => {
    reader.int32();
    return { errorCode: reader.int16() };
  },
};

export const leaveGroupApi: Api<{ groupId: string; memberId: string }, ErrorResponse> = {
  name: 'LeaveGroup',
  key: 13,
  version: 2,
  flexible: false,
  write: (writer, { groupId, memberId }) => {
    writer.string(groupId).string(memberId);
  },
  read: (reader) => {
    reader.int32();
    return { errorCode: reader.int16() };
  },
};

const SUBSCRIPTION_VERSION = 0;

const joined = (writer: WireWriter): Buffer => Buffer.concat(writer.finish());

/** The consumer protocol's subscription, as other clients and tools read it too. */
export const encodeSubscription = (topics: readonly string[], userData: Uint8Array): Buffer => {
  const writer = new WireWriter();
  return joined(
    writer
      .int16(SUBSCRIPTION_VERSION)
      .array(topics, (topic) => writer.string(topic))
      .bytes(userData),
  );
};

/** Copies, so that a member does not keep the whole answer alive. */
export const decodeSubscription = (memberId: string, metadata: Buffer): GroupMember => {
  if (metadata.length === 0) return { memberId, topics: [], userData: new Uint8Array(0) };
  const reader = new WireReader(metadata);
  reader.int16();
  const topics = reader.array(() => reader.string() ?? '');
  return { memberId, topics, userData: Uint8Array.from(reader.bytes() ?? []) };
};

export interface MemberAssignment {
  readonly partitions: readonly TopicPartition[];
  /** What the leader told besides; empty for nothing. */
  readonly announced: Uint8Array;
}

export const encodeAssignment = (partitions: readonly TopicPartition[], announced?: Uint8Array): Buffer => {
  const writer = new WireWriter();
  writer.int16(SUBSCRIPTION_VERSION);
  writeTopics(writer, partitions, ({ partition }) => writer.int32(partition));
  return joined(announced === undefined ? writer.int32(-1) : writer.bytes(announced));
};

/** Copies what the leader told, so that a member does not keep the whole answer alive. */
export const decodeAssignment = (assignment: Buffer): MemberAssignment => {
  if (assignment.length === 0) return { partitions: [], announced: new Uint8Array(0) };
  const reader = new WireReader(assignment);
  reader.int16();
  const partitions = readTopics(reader, (topic) => ({ topic, partition: reader.int32() }));
  return { partitions, announced: Uint8Array.from(reader.bytes() ?? []) };
};
