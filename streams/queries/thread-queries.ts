/**
 * Answers queries from the stores of one stream thread: of tasks that run, of warm copies and of states being restored.
 *
 * Invariants:
 * - Queries never hold up processing: at most `MAX_WAITING` are under way, each looks at a bounded number of rows (see `run-query.ts`), and
 *   between any two the loop has its turn.
 * - The bounds are checked against the very copy and position that the answer is made from, without a pause in between.
 */
import type { LoggedStore } from '../commit.ts';
import type { GroupCounter } from '../group-counter.ts';
import { changelogTopic } from '../internal-topics.ts';
import type { Clock, LogReader, StateBackend, TopicPartition } from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import type { StandbyManager } from '../standby-manager.ts';
import type { StoreBuilder } from '../state-store.ts';
import { taskIdOf } from '../task-assignor.ts';
import type { TaskManager } from '../task-manager.ts';
import { taskInputs, type OpenState, type TaskPlace } from '../task-opener.ts';
import type { BuiltTopology } from '../topology.ts';
import { ChangelogEnds } from './changelog-ends.ts';
import {
  MAX_WAIT_MS,
  type QueryAnswer,
  type QueryBounds,
  type QueryEntry,
  type QuerySource,
  type TaskQuery,
} from './query.ts';
import { invalidQuery, QueryError } from './query-error.ts';
import { runQuery } from './run-query.ts';

export interface ThreadQueriesOptions {
  readonly applicationId: string;
  readonly topology: BuiltTopology;
  readonly tasks: TaskManager;
  readonly standbys: StandbyManager;
  /** The states that are being restored, by task id. */
  readonly restoring: ReadonlyMap<string, OpenState>;
  readonly globalBackend: StateBackend;
  readonly reader: LogReader;
  readonly clock: Clock;
}

/** How far one store of one task is behind its changelog. */
export interface StoreLag {
  readonly store: string;
  readonly taskId: string;
  readonly source: QuerySource;
  readonly changelog: TopicPartition;
  readonly position: number;
  readonly end: number;
  readonly lag: number;
}

/** One copy of a store at this moment. */
interface Copy {
  readonly source: QuerySource;
  readonly backend: StateBackend;
  readonly changelog: TopicPartition | undefined;
  readonly inputs: readonly TopicPartition[];
  readonly streamTimeMs: () => number;
  readonly groupCounter: GroupCounter | undefined;
}

type Freshness = Pick<QueryAnswer, 'lagRecords' | 'stalenessMs'>;

/** The task id under which global stores are asked. */
export const GLOBAL_TASK = 'global';

const MAX_WAITING = 64;
/** For answers without a bound, and gauges. */
const END_MAX_AGE_MS = 500;
const POSITION_PAUSE_MS = 5;
const COUNTING_MS = 2_000;
const COUNTED_AT_ONCE = 1_000;
const COMPLETE: Freshness = { lagRecords: 0, stalenessMs: 0 };

export class ThreadQueries {
  readonly #options: ThreadQueriesOptions;
  readonly #ends: ChangelogEnds;
  #waiting = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ThreadQueriesOptions) {
    this.#options = options;
    this.#ends = new ChangelogEnds(options.reader, options.clock);
  }

  /** Rejects with `QueryError`. */
  async query(request: TaskQuery): Promise<QueryAnswer> {
    if (this.#waiting >= MAX_WAITING) {
      throw new QueryError({ code: 'BUSY', message: `${MAX_WAITING} queries wait already; ask again in a moment.` });
    }
    this.#waiting += 1;
    try {
      const builder = this.#builderOf(request);
      await this.#untilReached(request);
      if (request.query.kind === 'count') await this.#untilCounted(request);
      await this.#nextTurn();
      return await this.#answer(request, builder);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Of every logged store here. Rejects as the log does. */
  async lags(): Promise<readonly StoreLag[]> {
    const { applicationId, tasks, standbys, restoring } = this.#options;
    const places = [...tasks.entries, ...standbys.places, ...[...restoring.values()].map(({ place }) => place)];
    const byTask = new Map(places.map((place) => [taskIdOf(place.subTopology.id, place.partition), place]));
    const asked = [...byTask].flatMap(([taskId, { subTopology, partition }]) =>
      subTopology.stores
        .filter(({ loggingEnabled }) => loggingEnabled)
        .map(({ name }) => ({ taskId, name, changelog: { topic: changelogTopic(applicationId, name), partition } })),
    );
    const lags = await Promise.all(
      asked.map(async ({ taskId, name, changelog }) => {
        const end = await this.#ends.endOf(changelog, END_MAX_AGE_MS);
        const copy = this.#copyOf(taskId, name);
        if (copy === undefined) return undefined;
        const position = copy.backend.position(changelog) ?? 0;
        const lag = copy.source === 'active' ? 0 : Math.max(0, end - position);
        return { store: name, taskId, source: copy.source, changelog, position, end, lag };
      }),
    );
    return lags.filter((lag) => lag !== undefined);
  }

  #builderOf({ store, taskId }: TaskQuery): StoreBuilder {
    const { subTopologies, globalStores } = this.#options.topology;
    const builder =
      taskId === GLOBAL_TASK
        ? globalStores.find((node) => node.store.name === store)?.store
        : subTopologies.flatMap(({ stores }) => stores).find(({ name }) => name === store);
    if (builder !== undefined) return builder;
    throw new QueryError({ code: 'STORE_UNKNOWN', message: `The application has no store "${store}".` });
  }

  /** Waits for the positions that the asker names, as long as it allows. */
  async #untilReached({ store, taskId, bounds }: TaskQuery): Promise<void> {
    const { minPositions, waitMs = 0 } = bounds ?? {};
    if (minPositions === undefined) return;
    const { clock } = this.#options;
    const deadlineMs = clock.now() + Math.min(Math.max(0, waitMs), MAX_WAIT_MS);
    while (clock.now() < deadlineMs) {
      const position = this.#positionOf(this.#requireCopy(taskId, store, bounds));
      if (missingPosition(position, bounds) === undefined) return;
      await clock.sleep(POSITION_PAUSE_MS);
    }
  }

  /** Lets the store look at all of its entries once, some in each turn of the loop. */
  async #untilCounted({ store, taskId, bounds }: TaskQuery): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.now() + COUNTING_MS;
    for (;;) {
      const counter = requireCounter(this.#requireCopy(taskId, store, bounds), store);
      if (counter.advance(COUNTED_AT_ONCE)) return;
      if (clock.now() >= deadlineMs) {
        const message = `The entries of "${store}" are being counted for the first time; ask again in a moment.`;
        throw new QueryError({ code: 'COUNTS_NOT_READY', message });
      }
      await this.#nextTurn();
    }
  }

  /** One query for each turn of the loop. */
  #nextTurn(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#options.clock.sleep(0));
    return this.#turn;
  }

  async #answer(request: TaskQuery, builder: StoreBuilder): Promise<QueryAnswer> {
    const { store, taskId, bounds } = request;
    const asked = this.#requireCopy(taskId, store, bounds);
    const end = await this.#endFor(asked, bounds);
    // The copy may have gone or changed its part while the log was asked.
    const copy = this.#requireCopy(taskId, store, bounds);
    const freshness = this.#requireFresh(copy, end, request);
    const about = { taskId, source: copy.source, ...freshness };
    if (request.query.kind === 'count') {
      const position = this.#positionOf(copy);
      requireReached(position, request);
      return { entries: [countOf(copy, store, request.query.group)], next: undefined, ...about, position };
    }
    const view = builder.view?.({ backend: copy.backend, streamTimeMs: copy.streamTimeMs });
    if (view === undefined) throw invalidQuery(`The store "${store}" cannot be queried: it has no view.`);
    const position = this.#positionOf(copy);
    requireReached(position, request);
    return { ...runQuery(view, request), ...about, position };
  }

  /** The end of the changelog that a copy which is not the running task's is measured by. */
  async #endFor({ source, changelog }: Copy, bounds: QueryBounds | undefined): Promise<number | undefined> {
    if (source === 'active' || source === 'global' || changelog === undefined) return undefined;
    try {
      const isBounded = bounds?.maxLagRecords !== undefined || bounds?.maxStalenessMs !== undefined;
      return await this.#ends.endOf(changelog, isBounded ? 0 : END_MAX_AGE_MS);
    } catch (cause) {
      throw new QueryError(
        { code: 'TOO_STALE', message: `How far this copy is behind cannot be found out: the log does not answer.` },
        { cause },
      );
    }
  }

  #requireFresh(
    { source, backend, changelog }: Copy,
    end: number | undefined,
    { store, bounds }: TaskQuery,
  ): Freshness {
    if (source === 'active' || source === 'global' || changelog === undefined) return COMPLETE;
    const position = backend.position(changelog) ?? 0;
    const lagRecords = Math.max(0, (end ?? position) - position);
    const stalenessMs = this.#ends.stalenessMs(changelog, position);
    const { maxLagRecords = Infinity, maxStalenessMs = Infinity } = bounds ?? {};
    if (lagRecords <= maxLagRecords && (stalenessMs ?? Infinity) <= maxStalenessMs) return { lagRecords, stalenessMs };
    const since = stalenessMs === undefined ? 'it is not known since when' : `complete ${stalenessMs} ms ago`;
    throw new QueryError({
      code: 'TOO_STALE',
      message: `This copy of "${store}" (${source}) is ${lagRecords} records behind, ${since}: more than was allowed. Ask the owner, or allow more.`,
    });
  }

  #requireCopy(taskId: string, store: string, bounds: QueryBounds | undefined): Copy {
    const copy = this.#copyOf(taskId, store);
    if (copy === undefined) {
      const message = `This instance does not have task ${taskId} at the moment: its partition is being handed over.`;
      throw new QueryError({ code: 'REBALANCING', message });
    }
    const isWhole = copy.source === 'active' || copy.source === 'global';
    if (isWhole || bounds?.stale === true) return copy;
    const what = copy.source === 'restoring' ? 'is being restored' : 'is a warm copy';
    const message = `What this instance has of "${store}" (task ${taskId}) ${what}; ask again, or allow stale answers.`;
    throw new QueryError({ code: copy.source === 'restoring' ? 'STORE_RESTORING' : 'REBALANCING', message });
  }

  #copyOf(taskId: string, store: string): Copy | undefined {
    const { tasks, standbys, restoring, globalBackend } = this.#options;
    const unknownTime = (): number => -1;
    if (taskId === GLOBAL_TASK)
      return {
        ...{ source: 'global', backend: globalBackend, changelog: undefined, inputs: [] },
        ...{ streamTimeMs: unknownTime, groupCounter: undefined },
      };
    const entry = tasks.entryOf(taskId);
    const { task } = entry ?? {};
    if (entry !== undefined && task !== undefined) {
      const streamTimeMs = (): number => task.streamTimeMs;
      const changelog = this.#changelogOf(entry, store);
      const groupCounter = counterOf(task.stores, store);
      const inputs = taskInputs(entry);
      return { source: 'active', backend: task.backend, changelog, inputs, streamTimeMs, groupCounter };
    }
    const opening = restoring.get(taskId);
    const open = opening ?? standbys.openState(taskId);
    if (open === undefined) return undefined;
    const source = opening === undefined ? 'standby' : 'restoring';
    const changelog = this.#changelogOf(open.place, store);
    const groupCounter = counterOf(open.stores, store);
    return { source, backend: open.backend, changelog, inputs: [], streamTimeMs: unknownTime, groupCounter };
  }

  /** Undefined for a store without one. */
  #changelogOf({ subTopology, partition }: TaskPlace, store: string): TopicPartition | undefined {
    const isLogged = subTopology.stores.some(({ name, loggingEnabled }) => name === store && loggingEnabled);
    return isLogged ? { topic: changelogTopic(this.#options.applicationId, store), partition } : undefined;
  }

  #positionOf({ backend, changelog, inputs }: Copy): Readonly<Record<string, number>> {
    const partitions = changelog === undefined ? inputs : [changelog, ...inputs];
    const known = partitions.map((partition) => [topicPartitionKey(partition), backend.position(partition)] as const);
    return Object.fromEntries(known.filter((entry): entry is readonly [string, number] => entry[1] !== undefined));
  }
}

function missingPosition(
  position: Readonly<Record<string, number>>,
  bounds: QueryBounds | undefined,
): readonly [partition: string, offset: number] | undefined {
  return Object.entries(bounds?.minPositions ?? {}).find(([name, offset]) => (position[name] ?? -1) < offset);
}

function requireReached(position: Readonly<Record<string, number>>, { store, bounds }: TaskQuery): void {
  const missing = missingPosition(position, bounds);
  if (missing === undefined) return;
  const [name, offset] = missing;
  const reached = position[name] === undefined ? 'no offset' : `offset ${position[name]}`;
  throw new QueryError({
    code: 'POSITION_NOT_REACHED',
    message: `The store "${store}" stands for ${reached} of ${name}, and ${offset} was asked for; ask again, or without it.`,
  });
}

const counterOf = (stores: readonly LoggedStore[], name: string): GroupCounter | undefined =>
  stores.find(({ store }) => store.name === name)?.store.groupCounter;

function requireCounter({ groupCounter }: Copy, store: string): GroupCounter {
  if (groupCounter === undefined) throw invalidQuery(`The store "${store}" does not count its entries by group.`);
  if (!groupCounter.exceeded) return groupCounter;
  throw new QueryError({
    code: 'COUNTS_NOT_READY',
    message: `The store "${store}" has more groups than are counted in memory; raise maxGroups of its declaration.`,
    retryAfterMs: 60_000,
  });
}

function countOf(copy: Copy, store: string, group: string): QueryEntry {
  const value = requireCounter(copy, store).count(group);
  if (value !== undefined) return { key: group, value };
  // The task was opened anew since its entries were counted.
  throw new QueryError({ code: 'COUNTS_NOT_READY', message: `The entries of "${store}" must be counted again.` });
}
