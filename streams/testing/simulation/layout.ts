/**
 * What an application consists of, for so many partitions: its tasks, their stores and changelogs, its inputs.
 */
import { changelogTopic } from '../../internal-topics.ts';
import type { TopicPartition } from '../../ports.ts';
import { taskIdOf } from '../../task-assignor.ts';
import type { BuiltTopology } from '../../topology.ts';

export interface LaidOutStore {
  readonly name: string;
  readonly changelog: TopicPartition;
}

export class ApplicationLayout {
  readonly taskIds: readonly string[];
  readonly inputs: readonly TopicPartition[];
  readonly changelogs: readonly TopicPartition[];
  readonly #stores = new Map<string, readonly LaidOutStore[]>();

  constructor(applicationId: string, { subTopologies }: BuiltTopology, partitionCount: number) {
    const partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
    for (const { id, stores } of subTopologies) {
      for (const partition of partitions) {
        const laidOut = stores.map(({ name }) => ({
          name,
          changelog: { topic: changelogTopic(applicationId, name), partition },
        }));
        this.#stores.set(taskIdOf(id, partition), laidOut);
      }
    }
    this.taskIds = [...this.#stores.keys()];
    this.changelogs = [...this.#stores.values()].flatMap((stores) => stores.map(({ changelog }) => changelog));
    const topics = subTopologies.flatMap(({ sourceTopics }) => sourceTopics);
    this.inputs = topics.flatMap((topic) => partitions.map((partition) => ({ topic, partition })));
  }

  storesOf(taskId: string): readonly LaidOutStore[] {
    return this.#stores.get(taskId) ?? [];
  }
}
