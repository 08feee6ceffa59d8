/**
 * Brings a query to the instance that can answer it.
 *
 * Invariants:
 * - The running task answers, wherever it is. Another copy does only where the asker allows stale answers, within the asker's bounds,
 *   and when the owner does not answer.
 * - A query is passed on at most once: whoever it was passed on to answers from its own or refuses.
 */
import { partitionForKey } from '../partitioner.ts';
import { invalidQuery, QueryError } from '../queries/query-error.ts';
import type { QueryAnswer, StoreQuery, TaskQuery } from '../queries/query.ts';
import { ownerOf, standbysOf, type InstanceMetadata, type StreamsMetadata } from '../queries/streams-metadata.ts';
import { GLOBAL_TASK } from '../queries/thread-queries.ts';
import { taskIdOf } from '../task-assignor.ts';

/** Says which partition of the store is asked; without either, the key of the query does. */
export interface ClientQuery extends StoreQuery {
  readonly partition?: number;
  /** The serialized key of the records that the store is made of, where that is not the key of its entries. */
  readonly partitionKey?: Uint8Array;
}

/** Asks another instance. Rejects with `QueryError`, `OWNER_UNREACHABLE` when it does not answer. */
export type RemoteQuery = (applicationServer: string, query: ClientQuery) => Promise<QueryAnswer>;

export interface QueryRouterOptions {
  /** This instance. */
  readonly processId: string;
  readonly metadata: () => StreamsMetadata | undefined;
  readonly local: (query: TaskQuery) => Promise<QueryAnswer>;
  /** Undefined: only what is here can be asked. */
  readonly remote: RemoteQuery | undefined;
}

export interface KeyMetadata {
  readonly taskId: string;
  readonly partition: number;
  readonly owner: InstanceMetadata | undefined;
  readonly standbys: readonly InstanceMetadata[];
}

export class QueryRouter {
  readonly #options: QueryRouterOptions;

  constructor(options: QueryRouterOptions) {
    this.#options = options;
  }

  /** Where the store's entries of a key, or of a partition, are. Throws `QueryError`. */
  locate({ store, query, partition, partitionKey }: ClientQuery): KeyMetadata {
    const metadata = this.#requireMetadata();
    const subTopology = metadata.stores[store];
    if (subTopology === undefined) {
      const known = [...Object.keys(metadata.stores), ...metadata.globalStores].join(', ');
      throw new QueryError({ code: 'STORE_UNKNOWN', message: `There is no store "${store}"; there are: ${known}.` });
    }
    const count = metadata.tasks[subTopology] ?? 0;
    const asked = partition ?? partitionOf(partitionKey ?? keyOf(query), count);
    if (!Number.isInteger(asked) || asked < 0 || asked >= count) {
      throw new QueryError({
        code: 'PARTITION_UNKNOWN',
        message: `The store "${store}" has partitions 0 to ${count - 1}, not ${asked}.`,
      });
    }
    const taskId = taskIdOf(subTopology, asked);
    return { taskId, partition: asked, owner: ownerOf(metadata, taskId), standbys: standbysOf(metadata, taskId) };
  }

  /** `passedOn`: another instance has sent the query here. Rejects with `QueryError`. */
  async query(query: ClientQuery, passedOn = false): Promise<QueryAnswer> {
    const { local } = this.#options;
    if (this.#requireMetadata().globalStores.includes(query.store)) return local({ ...query, taskId: GLOBAL_TASK });
    const place = this.locate(query);
    if (passedOn) return local({ ...query, taskId: place.taskId });
    try {
      return await this.#ask(place.owner, place, query);
    } catch (error) {
      if (!(error instanceof QueryError) || error.recovery !== 'retry') throw error;
      const answer = query.bounds?.stale === true ? await this.#askStandbys(place, query) : undefined;
      if (answer !== undefined) return answer;
      throw withOwner(error, place.owner?.applicationServer ?? '');
    }
  }

  /** The first copy that answers within the bounds. */
  async #askStandbys(place: KeyMetadata, query: ClientQuery): Promise<QueryAnswer | undefined> {
    const { processId } = this.#options;
    const nearestFirst = [...place.standbys].sort((a) => (a.processId === processId ? -1 : 0));
    for (const standby of nearestFirst) {
      try {
        return await this.#ask(standby, place, query);
      } catch (error) {
        if (!(error instanceof QueryError) || error.recovery !== 'retry') throw error;
        // The next one may be nearer to the end.
      }
    }
    return undefined;
  }

  async #ask(instance: InstanceMetadata | undefined, place: KeyMetadata, query: ClientQuery): Promise<QueryAnswer> {
    const { processId, local, remote } = this.#options;
    const { taskId, partition } = place;
    if (instance === undefined) {
      throw new QueryError({ code: 'REBALANCING', message: `Nobody runs task ${taskId} yet; ask again in a moment.` });
    }
    if (instance.processId === processId) return local({ ...query, taskId });
    if (remote === undefined || instance.applicationServer === '') {
      throw new QueryError({
        code: 'OWNER_UNREACHABLE',
        message: `Task ${taskId} runs on another instance, which says no address to ask it at.`,
      });
    }
    return remote(instance.applicationServer, { ...query, partition });
  }

  #requireMetadata(): StreamsMetadata {
    const metadata = this.#options.metadata();
    if (metadata !== undefined) return metadata;
    throw new QueryError({ code: 'NOT_RUNNING', message: 'This instance has not joined its group yet; ask again.' });
  }
}

function withOwner(error: QueryError, owner: string): QueryError {
  return error.owner !== undefined || owner === ''
    ? error
    : new QueryError({ ...error.toFailure(), owner }, { cause: error });
}

const keyOf = (query: StoreQuery['query']): Uint8Array | undefined => ('key' in query ? query.key : undefined);

function partitionOf(key: Uint8Array | undefined, count: number): number {
  if (key !== undefined) return partitionForKey(key, count);
  throw invalidQuery('Such a query goes to one partition: name the partition, or a partition key.');
}
