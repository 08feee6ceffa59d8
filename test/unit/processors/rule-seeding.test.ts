import { describe, expect, test } from 'vitest';
import { decideSeeding } from '../../../processors/rule-seeding.ts';
import { ruleOf } from './support.ts';

const inFile = ruleOf({ escalate_if_count: 3, window_mins: 2 });
const another = ruleOf({ escalate_if_count: 5, window_mins: 2 });
const nothing = { publish: [], withdraw: [], overruled: [] };

describe('seeding the rules topic from the file', () => {
  test('publishes a rule that the topic does not have', () => {
    expect(decideSeeding([inFile], [])).toEqual({ ...nothing, publish: [inFile] });
  });

  test('leaves alone what is there already', () => {
    expect(decideSeeding([inFile], [{ rule: { ...inFile }, fromFile: true }])).toEqual(nothing);
    expect(decideSeeding([inFile], [{ rule: { ...inFile }, fromFile: false }])).toEqual(nothing);
  });

  test('replaces a rule that an earlier file seeded', () => {
    expect(decideSeeding([inFile], [{ rule: another, fromFile: true }])).toEqual({ ...nothing, publish: [inFile] });
  });

  test('[INV-RULE-OWNERSHIP] a rule that was set through the topic stays, and is reported', () => {
    expect(decideSeeding([inFile], [{ rule: another, fromFile: false }])).toEqual({
      ...nothing,
      overruled: [{ inFile, onTopic: another }],
    });
  });

  test('withdraws a seeded rule that has left the file, but never another one', () => {
    expect(decideSeeding([], [{ rule: inFile, fromFile: true }])).toEqual({ ...nothing, withdraw: ['overspeed'] });
    expect(decideSeeding([], [{ rule: inFile, fromFile: false }])).toEqual(nothing);
  });
});
