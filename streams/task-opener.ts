/**
 * How a task comes to run on this instance.
 *
 * Invariant, the fencing order: the task's producer is initialised first, which fences the former owner and ends its
 * transaction; only then is the committed offset read, then the state restored to the changelog's end, then reading starts
 * from that offset. In any other order a former owner could still commit behind our back.
 */
import type { LoggedStore } from './commit.ts';
import type { StreamsConfig } from './config.ts';
import { FatalLogError, OffsetOutOfRangeError, recoveryOf, StateCorruptedError } from './errors.ts';
import { changelogTopic } from './internal-topics.ts';
import type {
  Clock,
  CommittedPosition,
  GroupConsumer,
  LogClient,
  LogReader,
  Logger,
  Metrics,
  StateBackend,
  StateBackendFactory,
  TopicPartition,
  TransactionalProducer,
} from './ports.ts';
import { RecordCollector } from './record-collector.ts';
import { RecordQueue } from './record-queue.ts';
import { restoreStores, type RestoreProgress } from './restore.ts';
import type { StateStore } from './state-store.ts';
import { StandbyTask } from './standby-task.ts';
import { partitionTimeOf, StreamTask } from './task.ts';
import { taskIdOf } from './task-assignor.ts';
import type { SourceNode, SubTopology } from './topology.ts';

/** What opening a task needs from its thread. */
export interface TaskEnvironment {
  readonly config: StreamsConfig;
  readonly client: LogClient;
  readonly consumer: GroupConsumer;
  readonly reader: LogReader;
  readonly stateFactory: StateBackendFactory;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  readonly partitionCounts: ReadonlyMap<string, number>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onRestoreProgress?: (taskId: string, progress: RestoreProgress) => void;
  /** The states that are being restored, for whoever may read them meanwhile. */
  readonly restoring?: Map<string, OpenState>;
}

/** The local state of a task while it is open. */
export interface OpenState {
  readonly place: TaskPlace;
  readonly backend: StateBackend;
  readonly stores: readonly LoggedStore[];
}

export interface TaskPlace {
  readonly subTopology: SubTopology;
  readonly partition: number;
}

export const taskInputs = ({ subTopology, partition }: TaskPlace): TopicPartition[] =>
  subTopology.sourceTopics.map((topic) => ({ topic, partition }));

/** Opens the task; `startReading` is what it still needs. Rejects with an error classed by recovery; then nothing is left open. */
export async function openTask(
  place: TaskPlace,
  environment: TaskEnvironment,
  signal: AbortSignal,
): Promise<StreamTask> {
  const { config, client, consumer } = environment;
  const taskId = taskIdOf(place.subTopology.id, place.partition);
  const producer = client.producer(`${config.applicationId}-${taskId}`);
  let backend: StateBackend | undefined;
  try {
    await producer.init();
    const committed = await consumer.committed(taskInputs(place));
    backend = await openState(taskId, environment);
    const holder: { task: StreamTask | undefined } = { task: undefined };
    const stores = buildStores(place, taskId, backend, environment, () => holder.task?.streamTimeMs ?? -1);
    environment.restoring?.set(taskId, { place, backend, stores });
    await restore(taskId, stores, backend, environment, signal);
    const queues = await inputQueues(place, committed, environment);
    holder.task = newTask(taskId, place, { producer, backend, stores, queues }, environment);
    environment.restoring?.delete(taskId);
    return holder.task;
  } catch (error) {
    environment.restoring?.delete(taskId);
    await backend?.close();
    await producer.close();
    throw error;
  }
}

/** Lets the consumer read the task's inputs from where it stands. Only while this member has them. */
export function startReading({ inputs }: StreamTask, consumer: GroupConsumer): void {
  for (const { topicPartition, position } of inputs) consumer.seek(topicPartition, position);
  consumer.resume(inputs.map(({ topicPartition }) => topicPartition));
}

/** Opens a warm copy of a task's state and lets it follow the changelogs. `onFailed` is told when it stops by itself. */
export async function openStandby(
  place: TaskPlace,
  environment: TaskEnvironment,
  onFailed: (error: unknown) => void,
): Promise<StandbyTask> {
  const taskId = taskIdOf(place.subTopology.id, place.partition);
  const { reader, logger } = environment;
  const backend = await openState(taskId, environment);
  try {
    const stores = buildStores(place, taskId, backend, environment, () => -1);
    const standby = new StandbyTask({ taskId, stores, backend, reader, logger });
    await standby.start(onFailed);
    return standby;
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function openState(taskId: string, { stateFactory, logger }: TaskEnvironment): Promise<StateBackend> {
  try {
    return await stateFactory.open(taskId);
  } catch (error) {
    if (!(error instanceof StateCorruptedError)) throw error;
    logger.error(`The local state of task ${taskId} is damaged; it alone is rebuilt from its changelogs.`, {
      taskId,
      err: error,
    });
    await stateFactory.destroy(taskId);
    return stateFactory.open(taskId);
  }
}

function buildStores(
  { subTopology, partition }: TaskPlace,
  taskId: string,
  backend: StateBackend,
  { config, metrics }: TaskEnvironment,
  streamTimeMs: () => number,
): LoggedStore[] {
  return subTopology.stores.map((builder) => ({
    store: builder.build({ taskId, backend, metrics, streamTimeMs }),
    changelog: builder.loggingEnabled
      ? { topic: changelogTopic(config.applicationId, builder.name), partition }
      : undefined,
  }));
}

async function restore(
  taskId: string,
  stores: readonly LoggedStore[],
  backend: StateBackend,
  { reader, logger, clock, onRestoreProgress }: TaskEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = clock.now();
  const onProgress = (progress: RestoreProgress): void => onRestoreProgress?.(taskId, progress);
  const options = { stores, backend, reader, logger, signal, onProgress };
  let restored;
  try {
    restored = await restoreStores(options);
  } catch (error) {
    const recovery = recoveryOf(error);
    if (recovery !== 'rebuild-task') throw error;
    logger.error(`The local state of task ${taskId} cannot catch up; it alone is rebuilt from its changelogs.`, {
      taskId,
      err: error,
    });
    backend.wipe();
    restored = await restoreStores(options);
  }
  logger.info(`Task ${taskId} restored`, { taskId, ...restored, durationMs: clock.now() - startedMs });
}

async function inputQueues(
  place: TaskPlace,
  committed: readonly (CommittedPosition | undefined)[],
  environment: TaskEnvironment,
): Promise<RecordQueue[]> {
  const sources = place.subTopology.nodes.filter((node): node is SourceNode => node.kind === 'source');
  const queues: RecordQueue[] = [];
  for (const [index, input] of taskInputs(place).entries()) {
    const source = sources.find(({ topics }) => topics.includes(input.topic)) as SourceNode;
    const { beginning, end } = await environment.reader.range(input);
    const position = startOffset(input, committed[index]?.offset, beginning, end, environment);
    queues.push(new RecordQueue(input, source, position, end, partitionTimeOf(committed[index]?.metadata ?? '')));
  }
  return queues;
}

function startOffset(
  input: TopicPartition,
  committed: number | undefined,
  beginning: number,
  end: number,
  { config, logger, metrics }: TaskEnvironment,
): number {
  const name = `${input.topic}-${input.partition}`;
  if (committed !== undefined && committed > end) {
    throw new FatalLogError(
      'COMMITTED_BEYOND_END',
      `"${config.applicationId}" has committed offset ${committed} of ${name}, which ends at ${end}: the topic was made anew or cut. ` +
        'Reset the application (its offsets, changelogs and local state) to start over on it.',
    );
  }
  if (committed !== undefined && committed >= beginning) return committed;
  if (config.offsetReset === 'none') {
    throw new FatalLogError('NO_OFFSET', `No usable committed offset for ${name}, and offsetReset is "none".`);
  }
  if (committed !== undefined) {
    const lost = new OffsetOutOfRangeError(
      'RECORDS_DELETED',
      `${name} was deleted up to ${beginning} before it was read.`,
    );
    logger.error(`${beginning - committed} offsets of ${name} are lost: ${lost.message} Raise the topic's retention.`, {
      ...input,
    });
    metrics.counter('stream_task_lost_offsets', { topic: input.topic }).add(beginning - committed);
  }
  return beginning;
}

interface TaskParts {
  readonly producer: TransactionalProducer;
  readonly backend: StateBackend;
  readonly stores: readonly LoggedStore[];
  readonly queues: readonly RecordQueue[];
}

function newTask(
  taskId: string,
  { subTopology, partition }: TaskPlace,
  parts: TaskParts,
  environment: TaskEnvironment,
): StreamTask {
  const { config, partitionCounts, globalStores, metrics, logger, clock } = environment;
  const { applicationId, deadLetterTopic, errorHandlers, timerMode } = config;
  const { producer, backend, stores, queues } = parts;
  return new StreamTask({
    applicationId,
    taskId,
    partition,
    subTopology,
    queues,
    stores,
    globalStores,
    backend,
    collector: new RecordCollector({
      applicationId,
      taskPartition: partition,
      producer,
      partitionCounts,
      deadLetterTopic,
    }),
    errorHandlers,
    timerMode,
    metrics,
    logger: logger.child({ taskId }),
    nowMs: clock.now(),
  });
}
