/**
 * Deals the partitions of each topic out to the members that read it, one each in turn.
 *
 * Invariant: every partition goes to exactly one member, and no member has two partitions of a topic more than another. It fits
 * readers that keep no state of their own, so it remembers no former owner.
 */
import type { PartitionAssignor, TopicPartition } from '../streams/ports.ts';

export const evenAssignor: PartitionAssignor = {
  name: 'even',
  assign(members, partitionCounts) {
    const byId = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const assignment = new Map<string, TopicPartition[]>(byId.map(({ memberId }) => [memberId, []]));
    for (const [topic, count] of partitionCounts) {
      const readers = byId.filter(({ topics }) => topics.includes(topic));
      for (let partition = 0; partition < count && readers.length > 0; partition += 1) {
        const reader = readers[partition % readers.length];
        if (reader !== undefined) assignment.get(reader.memberId)?.push({ topic, partition });
      }
    }
    return assignment;
  },
};
