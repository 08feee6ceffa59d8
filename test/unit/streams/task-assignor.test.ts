import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMemberState, TaskAssignor, taskIdOf } from '../../../streams/task-assignor.ts';
import type { GroupMember, TopicPartition } from '../../../streams/ports.ts';
import type { SubTopology } from '../../../streams/topology.ts';

const subTopologies: SubTopology[] = [
  { id: 0, nodes: [], stores: [], sourceTopics: ['alerts', 'commands'] },
  { id: 1, nodes: [], stores: [], sourceTopics: ['logs'] },
];
const topics = ['alerts', 'commands', 'logs'];
const assignor = new TaskAssignor({ applicationId: 'app', subTopologies, standbyReplicas: 0 });
const counts = (alerts: number, logs: number) =>
  new Map([
    ['alerts', alerts],
    ['commands', alerts],
    ['logs', logs],
  ]);
const member = (memberId: string, tasks: { [taskId: string]: number } = {}): GroupMember => ({
  memberId,
  topics,
  userData: encodeMemberState({ processId: memberId, tasks }),
});

const taskOf = ({ topic, partition }: TopicPartition) => taskIdOf(topic === 'logs' ? 1 : 0, partition);
const tasksByMember = (assigned: ReadonlyMap<string, readonly TopicPartition[]>) =>
  new Map([...assigned].map(([memberId, partitions]) => [memberId, new Set(partitions.map(taskOf))]));

describe('TaskAssignor', () => {
  it('gives every partition to one member, whole tasks, evenly, whoever leads [INV-ASSIGNMENT]', () => {
    const owned = fc.dictionary(fc.constantFrom('0_0', '0_1', '0_2', '1_0', '1_1'), fc.nat(100));
    fc.assert(
      fc.property(fc.array(owned, { minLength: 1, maxLength: 6 }), fc.nat(6), fc.nat(6), (states, alerts, logs) => {
        const members = states.map((tasks, index) => member(`m${index}`, tasks));
        const assigned = assignor.assign(members, counts(alerts, logs));
        const given = [...assigned.values()].flat().map(({ topic, partition }) => `${topic}-${partition}`);
        expect(new Set(given).size).toBe(given.length);
        expect(given).toHaveLength(2 * alerts + logs);
        const tasks = [...tasksByMember(assigned).values()];
        expect(tasks.reduce((sum, { size }) => sum + size, 0)).toBe(alerts + logs);
        const sizes = tasks.map(({ size }) => size);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(assignor.assign([...members].reverse(), counts(alerts, logs))).toEqual(assigned);
      }),
    );
  });

  it('leaves tasks where they are when a member joins, moving only what balance needs', () => {
    const before = [member('a', { '0_0': 9, '0_1': 9 }), member('b', { '0_2': 9, '0_3': 9 })];
    const after = tasksByMember(assignor.assign([...before, member('c')], counts(4, 0)));
    const stayed =
      ['0_0', '0_1'].filter((id) => after.get('a')?.has(id)).length +
      ['0_2', '0_3'].filter((id) => after.get('b')?.has(id)).length;
    expect(stayed).toBe(3);
  });

  it('prefers the member whose state has the least to restore', () => {
    const assigned = tasksByMember(
      assignor.assign([member('a', { '0_0': 5 }), member('b', { '0_0': 500 })], counts(1, 1)),
    );
    expect(assigned.get('b')?.has('0_0')).toBe(true);
  });

  it('reads user data of an unknown form as no preference', () => {
    const odd: GroupMember = { memberId: 'a', topics, userData: new Uint8Array([1, 2, 3]) };
    expect(assignor.assign([odd], counts(2, 1)).get('a')).toHaveLength(5);
  });
});
