/**
 * Who runs what: the instances of an application, their addresses and their tasks, as the leader of the group last announced it.
 *
 * Invariant: every member of a generation has the same announcement. It may be behind for the time of a rebalance; an instance
 * that is asked for what it does not have says so, so that is found out and never answered wrongly.
 */
export interface InstanceMetadata {
  readonly processId: string;
  /** Where the instance is asked, such as `http://10.0.0.7:4001`; empty where it cannot be. */
  readonly applicationServer: string;
  /** Task ids. */
  readonly active: readonly string[];
  readonly standby: readonly string[];
  /** Sums of changelog positions by task id, as of the rebalance. */
  readonly positions: Readonly<Record<string, number>>;
}

export interface StreamsMetadata {
  readonly instances: readonly InstanceMetadata[];
  /** The sub-topology of each store. */
  readonly stores: Readonly<Record<string, number>>;
  /** Stores that every instance has whole. */
  readonly globalStores: readonly string[];
  /** Number of tasks of each sub-topology. */
  readonly tasks: Readonly<Record<string, number>>;
  /** A member asked all instances to stop. */
  readonly shutdown: boolean;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

export const encodeStreamsMetadata = (metadata: StreamsMetadata): Uint8Array => utf8.encode(JSON.stringify(metadata));

/** Undefined for what another version announced, or nothing at all. */
export function decodeStreamsMetadata(bytes: Uint8Array): StreamsMetadata | undefined {
  if (bytes.byteLength === 0) return undefined;
  try {
    const parsed: unknown = JSON.parse(text.decode(bytes));
    if (typeof parsed === 'object' && parsed !== null && 'instances' in parsed && 'stores' in parsed)
      return parsed as StreamsMetadata;
  } catch {
    // Fall through: not ours.
  }
  return undefined;
}

/** The instance that runs the task, as announced. */
export const ownerOf = (metadata: StreamsMetadata, taskId: string): InstanceMetadata | undefined =>
  metadata.instances.find(({ active }) => active.includes(taskId));

/** The instances that keep a warm copy of the task, as announced. */
export const standbysOf = (metadata: StreamsMetadata, taskId: string): readonly InstanceMetadata[] =>
  metadata.instances.filter(({ standby }) => standby.includes(taskId));
