/**
 * The escalation topology on one partition of raw alerts, beside the live job: the real task and the real stores, with a log in
 * memory to write to.
 *
 * Invariants:
 * - The task sees what the live one saw: the same records with the same places, in the same order, under the same topic names. So
 *   the same rules give the same events with the same ids.
 * - Nothing it does is visible to anybody: it has no group, no changelog and no producer on the real log.
 * - Memory is bounded: a step takes so many records or timers, is committed, and its events are handed over and forgotten.
 */
import type { AlertRule } from '../../schemas/alert-rule.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { defaultErrorHandlers } from '../../streams/error-handlers.ts';
import { GlobalState } from '../../streams/global-state.ts';
import type { Clock, FetchedBatch, LogRecord, StateBackend, TopicPartition } from '../../streams/ports.ts';
import { RecordCollector } from '../../streams/record-collector.ts';
import { RecordQueue } from '../../streams/record-queue.ts';
import { jsonSerde } from '../../streams/serdes.ts';
import { StreamTask } from '../../streams/task.ts';
import { taskIdOf } from '../../streams/task-assignor.ts';
import type { InMemoryClient } from '../../streams/testing/in-memory-client.ts';
import { InMemoryLog } from '../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../streams/testing/silent.ts';
import type { SourceNode, SubTopology } from '../../streams/topology.ts';
import { alertEscalationTopology, type AlertSerdes } from '../../topologies/alert-escalation.ts';
import { alertTopics, type TopicNames } from '../../topologies/topics.ts';

/** What all partitions of a replay have in common. */
export interface RunSettings {
  readonly topics: TopicNames;
  /** Partitions of the raw alerts. */
  readonly partitions: number;
  readonly serdes: Pick<AlertSerdes, 'rawAlert' | 'lifecycleEvent'>;
  /** In force from the first record to the last. */
  readonly rules: readonly AlertRule[];
  readonly graceMs: number;
  readonly futureSkewMs: number;
  /** Where the wall clock stands, UTC epoch milliseconds: timers fire up to it once all records are in. */
  readonly clockMs: number;
}

/** What one step has brought. */
export interface StepOutput {
  /** Lifecycle events as they would stand on the log; `timestampMs` is the event's own time. */
  readonly events: readonly LogRecord[];
  /** Records that went to the dead letters; the live job has sent them there before. */
  readonly deadLetters: number;
}

const APPLICATION_ID = 'alerts-replay';
/** Records and timers between two commits. */
const STEP = 5_000;

export class PartitionRun {
  readonly #at: TopicPartition;
  readonly #clock: Clock;
  readonly #log: InMemoryLog;
  readonly #client: InMemoryClient;
  readonly #globalState: GlobalState;
  readonly #task: StreamTask;
  readonly #source: SourceNode;
  readonly #topics: TopicNames;

  private constructor(
    settings: RunSettings,
    log: InMemoryLog,
    client: InMemoryClient,
    globalState: GlobalState,
    task: StreamTask,
    clock: Clock,
  ) {
    const [input] = task.inputs as readonly [RecordQueue];
    this.#topics = settings.topics;
    this.#at = input.topicPartition;
    this.#source = input.source;
    this.#clock = clock;
    this.#log = log;
    this.#client = client;
    this.#globalState = globalState;
    this.#task = task;
  }

  /** `range`: the offsets that will be fed. `backend` must be empty; it is closed with the run. */
  static async open(
    settings: RunSettings,
    partition: number,
    range: { readonly start: number; readonly end: number },
    backend: StateBackend,
  ): Promise<PartitionRun> {
    const { topics, serdes, graceMs, futureSkewMs } = settings;
    const clock = standingClock(settings.clockMs);
    const log = new InMemoryLog({ clock });
    log.createTopics(writtenTopics(settings));
    const client = log.client(APPLICATION_ID);
    const topology = alertEscalationTopology({
      serdes: { ...serdes, alertRule: jsonSerde<AlertRule>() },
      ...{ topics, graceMs, futureSkewMs },
    }).build(APPLICATION_ID);
    const globalState = new GlobalState({
      applicationId: APPLICATION_ID,
      globalStores: topology.globalStores,
      backend: await new MemoryBackendFactory().open('global'),
      reader: client.reader(),
      admin: client.admin(),
      metrics: silentMetrics,
      logger: silentLogger,
      systemTimeMs: () => clock.now(),
    });
    await publish(settings.rules, topics.alertRules, client);
    await globalState.restore(new AbortController().signal);
    const [subTopology] = topology.subTopologies as readonly [SubTopology];
    const task = await openTask(settings, subTopology, { topic: topics.rawAlerts, partition }, range, {
      ...{ backend, client, globalState },
    });
    return new PartitionRun(settings, log, client, globalState, task, clock);
  }

  /** Takes records in, offset by offset without a gap, and processes them; the last batch must reach the end of the range. */
  async *feed(batch: FetchedBatch): AsyncGenerator<StepOutput> {
    await this.#source.value.prepare?.(batch.topic, batch.records);
    // What the log holds beyond the range is none of this run's business.
    this.#task.add({ ...batch, endOffset: batch.nextOffset });
    for (let done = STEP; done === STEP;) {
      done = this.#task.process(this.#clock.now(), STEP);
      if (this.#task.commitNeeded) yield await this.#commit();
    }
  }

  async close(): Promise<void> {
    await this.#task.closeDirty();
    await this.#globalState.close();
    await this.#client.close();
  }

  async #commit(): Promise<StepOutput> {
    await this.#task.commit(this.#clock);
    const { partition } = this.#at;
    const events = this.#take({ topic: this.#topics.alertEvents, partition });
    return { events, deadLetters: this.#take({ topic: this.#topics.deadLetters, partition: 0 }).length };
  }

  #take(at: TopicPartition): readonly LogRecord[] {
    const records = this.#log.records(at);
    const last = records.at(-1);
    if (last !== undefined) this.#log.deleteRecordsBefore(at, last.offset + 1);
    return records;
  }
}

/** Live, a timer that is due while its partition is quiet fires by the clock; here all that time has passed already. */
const standingClock = (nowMs: number): Clock => ({ now: () => nowMs, sleep: () => new Promise(() => undefined) });

/** With the limits of the real topics, so that what is too large here is what was too large there. */
const writtenTopics = ({ partitions, topics }: RunSettings) =>
  alertTopics(partitions, topics).map(({ name, partitions: count, config }) => ({
    name,
    partitions: count,
    // The event's own time is wanted with it, not the time of the replay.
    config: Object.fromEntries(Object.entries(config).filter(([setting]) => setting !== 'message.timestamp.type')),
  }));

async function publish(rules: readonly AlertRule[], topic: string, client: InMemoryClient): Promise<void> {
  const serde = jsonSerde<AlertRule>();
  const records = rules.map((rule) => ({
    topic,
    key: Buffer.from(rule.sourceType),
    value: serde.serialize(topic, rule),
  }));
  if (records.length > 0) await client.plainProducer().send(records);
}

interface TaskParts {
  readonly backend: StateBackend;
  readonly client: InMemoryClient;
  readonly globalState: GlobalState;
}

async function openTask(
  { topics, partitions, clockMs }: RunSettings,
  subTopology: SubTopology,
  input: TopicPartition,
  range: { readonly start: number; readonly end: number },
  { backend, client, globalState }: TaskParts,
): Promise<StreamTask> {
  const taskId = taskIdOf(subTopology.id, input.partition);
  const producer = client.producer(taskId);
  await producer.init();
  const source = subTopology.nodes.find((node): node is SourceNode => node.kind === 'source') as SourceNode;
  const holder: { task: StreamTask | undefined } = { task: undefined };
  const streamTimeMs = (): number => holder.task?.streamTimeMs ?? -1;
  holder.task = new StreamTask({
    applicationId: APPLICATION_ID,
    taskId,
    partition: input.partition,
    subTopology,
    queues: [new RecordQueue(input, source, range.start, range.end)],
    stores: subTopology.stores.map((builder) => ({
      store: builder.build({ taskId, backend, metrics: silentMetrics, streamTimeMs }),
      changelog: undefined,
    })),
    globalStores: globalState.stores,
    backend,
    collector: new RecordCollector({
      applicationId: APPLICATION_ID,
      taskPartition: input.partition,
      producer,
      partitionCounts: new Map([
        [topics.alertEvents, partitions],
        [topics.deadLetters, 1],
      ]),
      deadLetterTopic: topics.deadLetters,
    }),
    errorHandlers: defaultErrorHandlers,
    timerMode: 'wall-clock',
    metrics: silentMetrics,
    logger: silentLogger,
    nowMs: clockMs,
  });
  return holder.task;
}
