/**
 * The topics as they are declared.
 *
 * Invariant: nothing is created beside a topic of another partition count, so that topics which have to be partitioned alike
 * are, or the operator is told.
 */
import { FatalLogError } from '../../streams/errors.ts';
import type { LogAdmin, TopicSpec } from '../../streams/ports.ts';

/** Resolves with the names of the topics that were missing. Rejects with `FatalLogError` when an existing one does not fit. */
export const createMissingTopics = async (
  admin: LogAdmin,
  topics: readonly TopicSpec[],
): Promise<readonly string[]> => {
  const existing = await admin.partitionCounts(topics.map(({ name }) => name));
  const misfits = topics.filter(({ name, partitions }) => (existing.get(name) ?? partitions) !== partitions);
  if (misfits.length > 0) {
    const found = misfits.map(({ name, partitions }) => `${name} has ${existing.get(name)}, not ${partitions}`);
    throw new FatalLogError(
      'TOPIC_PARTITIONS',
      `Topics exist with another number of partitions (${found.join('; ')}). Set ALERT_PARTITIONS to what the alert topics ` +
        'have, or remove those topics and the state that was made from them.',
    );
  }
  const missing = topics.filter(({ name }) => !existing.has(name));
  if (missing.length > 0) await admin.createTopics(missing);
  return missing.map(({ name }) => name);
};
