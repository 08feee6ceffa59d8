/**
 * Who audits the auditor: takes what a run left, changes one thing in it, and wants to hear of it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { runSeed } from '../run-seed.ts';
import { audit } from './auditor.ts';
import { text, Violation, type Evidence, type EvidenceRecord } from './evidence.ts';

/** A run with a good deal of everything. */
const SEED = 1;

type Records = readonly EvidenceRecord[];

const tampered = (evidence: Evidence, topic: string, change: (records: Records) => Records): Evidence => ({
  ...evidence,
  records: (name, partition) => {
    const records = evidence.records(name, partition);
    return name === topic && partition === 0 ? change(records) : records;
  },
});

const without = (records: Records, at: number): Records => records.filter((_, index) => index !== at);

const repeated = (records: Records, at: number): Records =>
  records.flatMap((one, index) => (index === at ? [one, one] : [one]));

const swapped = (records: Records, at: number): Records =>
  records.map((one, index) => records[index === at ? at + 1 : index === at + 1 ? at : index] ?? one);

const altered = (records: Records, at: number, change: (value: string) => string): Records =>
  records.map((one, index) => (index === at ? { ...one, value: Buffer.from(change(text(one.value))) } : one));

const indexOf = (records: Records, pattern: RegExp): number => {
  const at = records.findIndex(({ value }) => pattern.test(text(value)));
  expect(at).toBeGreaterThanOrEqual(0);
  return at;
};

const REMINDER = /"id":"p0k\d@/;
const CLOSING = /"id":"[a-z]+@/;

describe('the auditor', () => {
  let evidence: Evidence;
  beforeAll(async () => {
    await runSeed(SEED, (found) => (evidence = found));
  });

  it('has nothing to say about what the run left', () => {
    expect(() => audit(evidence)).not.toThrow();
  });

  it.each<[string, string, (records: Records) => Records]>([
    ['a lost result', 'results', (records) => without(records, 5)],
    ['the last result lost', 'results', (records) => records.slice(0, -1)],
    ['a doubled result', 'results', (records) => repeated(records, 5)],
    ['results that changed places', 'results', (records) => swapped(records, 5)],
    [
      'a wrong count',
      'results',
      (records) => altered(records, 5, (value) => value.replace(/"count":\d+/, '"count":99')),
    ],
    ['a reminder that did not fire', 'results', (records) => without(records, indexOf(records, REMINDER))],
    ['a reminder that fired twice', 'results', (records) => repeated(records, indexOf(records, REMINDER))],
    ['a reminder that fired late', 'results', (records) => swapped(records, indexOf(records, REMINDER))],
    [
      'a reminder that fired early',
      'results',
      (records) =>
        altered(records, indexOf(records, REMINDER), (value) =>
          value.replace(/"systemTimeMs":\d+/, '"systemTimeMs":1'),
        ),
    ],
    ['a step that did not reach its group', 'ledger-by-group-repartition', (records) => without(records, 3)],
    ['a step that reached its group twice', 'ledger-by-group-repartition', (records) => repeated(records, 3)],
    ['a lost total', 'totals', (records) => without(records, 3)],
    ['a doubled total', 'totals', (records) => repeated(records, 3)],
    ['a closing that did not fire', 'totals', (records) => without(records, indexOf(records, CLOSING))],
    ['a lost dead letter', 'dead-letters', (records) => without(records, 0)],
    ['a doubled dead letter', 'dead-letters', (records) => repeated(records, 0)],
    ['a dead letter that was changed', 'dead-letters', (records) => altered(records, 0, (value) => `${value} `)],
    ['a record that nobody processed', 'left', (records) => repeated(records, records.length - 1)],
  ])('finds %s', (_, topic, change) => {
    expect(() => audit(tampered(evidence, topic, change))).toThrow(Violation);
  });

  it.each(['accounts', 'windows', 'reminders', 'totals', 'closing'])(
    'finds a changed entry of the store %s',
    (name) => {
      const content: Evidence['content'] = (store, partition) => {
        const entries = [...evidence.content(store, partition)];
        return new Map(store === name ? entries.slice(1) : entries);
      };
      const partitions = Array.from(
        { length: evidence.partitions },
        (_, partition) => evidence.content(name, partition).size,
      );
      expect(Math.max(...partitions)).toBeGreaterThan(0);
      expect(() => audit({ ...evidence, content })).toThrow(Violation);
    },
  );
});
