/**
 * What the clients of one in-memory log share: its topics, transactions, groups and clock.
 *
 * Invariant: clients reach each other only through these, as processes do through a broker.
 */
import type { Clock } from '../ports.ts';
import type { LogChanges } from './in-memory-changes.ts';
import type { FaultInjector } from './in-memory-faults.ts';
import type { InMemoryGroup } from './in-memory-group.ts';
import type { InMemoryTopics } from './in-memory-topics.ts';
import type { InMemoryTransactions } from './in-memory-transactions.ts';

export interface InMemoryBroker {
  readonly clock: Clock;
  readonly faults: FaultInjector;
  readonly changes: LogChanges;
  readonly topics: InMemoryTopics;
  readonly transactions: InMemoryTransactions;
  readonly group: (groupId: string) => InMemoryGroup;
  /** How many records of a partition one fetch returns at most. */
  readonly fetchMaxRecords: number;
}
