/**
 * The conformance suite of the `LogClient` port. Every implementation passes it unchanged: Kafka and the in-memory log.
 *
 * Invariant: whatever the engine relies on in a log is asked for here, so code that works on one implementation works on all.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { describeCompaction } from './log-client-compaction.ts';
import { describeEdges } from './log-client-edges.ts';
import { describeFencing } from './log-client-fencing.ts';
import { describeGroups } from './log-client-groups.ts';
import { describeReading } from './log-client-reading.ts';
import type { DeclareScenario, LogHarness } from './log-client-scenario.ts';
import { scenario } from './log-client-scenario.ts';
import { describeTransactions } from './log-client-transactions.ts';

export type { LogHarness, OpenTransaction } from './log-client-scenario.ts';

export function describeLogClient(name: string, makeHarness: () => Promise<LogHarness>): void {
  describe(`${name} as a log client`, () => {
    let harness: LogHarness;
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterAll(() => harness.close());
    const declare: DeclareScenario = (title, body) => scenario(title, () => harness, body);

    describe('transactions', () => describeTransactions(declare));
    describe('fencing', () => describeFencing(declare));
    describe('reading', () => describeReading(declare));
    describe('compaction', () => describeCompaction(declare));
    describe('consumer groups', () => describeGroups(declare));
    describe('plain producer and admin', () => describeEdges(declare));
  });
}
