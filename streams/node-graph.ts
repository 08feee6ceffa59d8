/**
 * The running nodes of one task: processors made from their suppliers and wired to their children.
 *
 * Invariant: a record goes depth-first through the graph, synchronously; when `process` of a source returns, everything it
 * caused has happened.
 */
import type { DueScheduler } from './due-scheduler.ts';
import { TopologyError } from './errors.ts';
import type { Logger, Metrics } from './ports.ts';
import type { Cancellable, DueHandler, Processor, ProcessorContext, PunctuationType, Punctuator } from './processor.ts';
import type { RecordCollector } from './record-collector.ts';
import type { Record, RecordMetadata } from './record.ts';
import type { StateStore } from './state-store.ts';
import type { ProcessorNode, SinkNode, SourceNode, SubTopology } from './topology.ts';

type AnyRecord = Record<unknown, unknown>;

/** What the contexts of all nodes of a task share. */
export interface TaskContext {
  readonly applicationId: string;
  readonly taskId: string;
  readonly partition: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly stores: ReadonlyMap<string, StateStore>;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  readonly collector: RecordCollector;
  readonly due: DueScheduler;
  recordMetadata(): RecordMetadata | undefined;
  streamTimeMs(): number;
  systemTimeMs(): number;
  requestCommit(): void;
  schedule(intervalMs: number, type: PunctuationType, callback: Punctuator, anchorMs: number | undefined): Cancellable;
}

interface RunningNode {
  readonly name: string;
  process(record: AnyRecord): void;
}

export class NodeGraph {
  readonly #processors: RunningProcessor[] = [];
  readonly #sources = new Map<string, RunningNode[]>();

  constructor(subTopology: SubTopology, context: TaskContext) {
    const running = new Map<string, RunningNode & { addChild?(child: RunningNode): void }>();
    for (const node of subTopology.nodes) {
      if (node.kind === 'source') {
        this.#sources.set(node.name, []);
        continue;
      }
      const made = node.kind === 'sink' ? runningSink(node, context) : new RunningProcessor(node, context);
      if (made instanceof RunningProcessor) this.#processors.push(made);
      running.set(node.name, made);
      for (const parent of node.parents) {
        if (this.#sources.has(parent)) this.#sources.get(parent)?.push(made);
        else running.get(parent)?.addChild?.(made);
      }
    }
  }

  /** After the stores hold their state. */
  init(): void {
    for (const processor of this.#processors) processor.init();
  }

  process(source: SourceNode, record: AnyRecord): void {
    for (const child of this.#sources.get(source.name) ?? []) child.process(record);
  }

  prefetch(source: SourceNode, records: readonly AnyRecord[]): void {
    for (const child of this.#sources.get(source.name) ?? []) {
      if (child instanceof RunningProcessor) child.prefetch(records);
    }
  }

  close(): void {
    for (const processor of this.#processors) processor.close();
  }
}

const runningSink = (node: SinkNode, context: TaskContext): RunningNode => ({
  name: node.name,
  process: (record) => context.collector.send(node, record),
});

class RunningProcessor implements RunningNode {
  readonly name: string;
  readonly #processor: Processor<unknown, unknown, unknown, unknown>;
  readonly #children: RunningNode[] = [];
  readonly #context: ProcessorContext<unknown, unknown>;

  constructor(node: ProcessorNode, context: TaskContext) {
    this.name = node.name;
    this.#processor = node.supplier();
    this.#context = new NodeContext(node, this.#children, context);
  }

  addChild(child: RunningNode): void {
    this.#children.push(child);
  }

  init(): void {
    this.#processor.init?.(this.#context);
  }

  process(record: AnyRecord): void {
    this.#processor.process(record);
  }

  prefetch(records: readonly AnyRecord[]): void {
    this.#processor.prefetch?.(records);
  }

  close(): void {
    this.#processor.close?.();
  }
}

class NodeContext implements ProcessorContext<unknown, unknown> {
  readonly applicationId: string;
  readonly taskId: string;
  readonly partition: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly #node: ProcessorNode;
  readonly #children: readonly RunningNode[];
  readonly #task: TaskContext;

  constructor(node: ProcessorNode, children: readonly RunningNode[], task: TaskContext) {
    this.applicationId = task.applicationId;
    this.taskId = task.taskId;
    this.partition = task.partition;
    this.metrics = task.metrics;
    this.logger = task.logger.child({ node: node.name });
    this.#node = node;
    this.#children = children;
    this.#task = task;
  }

  get recordMetadata(): RecordMetadata | undefined {
    return this.#task.recordMetadata();
  }

  get streamTimeMs(): number {
    return this.#task.streamTimeMs();
  }

  get systemTimeMs(): number {
    return this.#task.systemTimeMs();
  }

  forward(record: AnyRecord, childName?: string): void {
    if (childName === undefined) {
      for (const child of this.#children) child.process(record);
      return;
    }
    const child = this.#children.find(({ name }) => name === childName);
    if (child === undefined)
      throw new TopologyError('NO_SUCH_CHILD', `"${this.#node.name}" has no child "${childName}".`);
    child.process(record);
  }

  getStateStore<S extends StateStore>(name: string): S {
    const store = this.#node.stores.includes(name) ? this.#task.stores.get(name) : this.#task.globalStores.get(name);
    if (store === undefined) {
      throw new TopologyError('STORE_NOT_CONNECTED', `"${this.#node.name}" is not connected to a store "${name}".`);
    }
    return store as S;
  }

  schedule(
    intervalMs: number,
    type: PunctuationType,
    callback: Punctuator,
    options?: { anchorMs?: number },
  ): Cancellable {
    return this.#task.schedule(intervalMs, type, callback, options?.anchorMs);
  }

  onDue<K, V>(storeName: string, handler: DueHandler<K, V>): void {
    this.getStateStore(storeName);
    this.#task.due.onDue(storeName, handler as DueHandler<unknown, unknown>);
  }

  requestCommit(): void {
    this.#task.requestCommit();
  }
}
