import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evenAssignor } from '../../../connectors/even-assignor.ts';

const TOPICS = ['a', 'b', 'c'];

describe('evenAssignor', () => {
  it('gives every partition that somebody reads to exactly one of its readers, evenly and in any order of members', () => {
    const members = fc.uniqueArray(
      fc.record({
        memberId: fc.string({ minLength: 1 }),
        topics: fc.subarray(TOPICS),
        userData: fc.constant(new Uint8Array()),
      }),
      { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 6 },
    );
    const counts = fc.array(fc.nat({ max: 9 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(members, counts, (group, sizes) => {
        const partitionCounts = new Map(TOPICS.map((topic, index) => [topic, sizes[index] ?? 0]));
        const assignment = evenAssignor.assign(group, partitionCounts);
        expect([...assignment.keys()].sort()).toEqual(group.map(({ memberId }) => memberId).sort());
        for (const [topic, count] of partitionCounts) {
          const readers = group.filter(({ topics }) => topics.includes(topic));
          const shares = group.map(({ memberId }) =>
            (assignment.get(memberId) ?? []).filter((given) => given.topic === topic),
          );
          const given = shares.flat().map(({ partition }) => partition);
          expect(given.sort((a, b) => a - b)).toEqual(readers.length === 0 ? [] : [...Array(count).keys()]);
          const sizesOfReaders = readers.map((reader) => shares[group.indexOf(reader)]?.length ?? 0);
          if (readers.length > 0)
            expect(Math.max(...sizesOfReaders) - Math.min(...sizesOfReaders)).toBeLessThanOrEqual(1);
        }
        expect(evenAssignor.assign([...group].reverse(), partitionCounts)).toEqual(assignment);
      }),
    );
  });
});
