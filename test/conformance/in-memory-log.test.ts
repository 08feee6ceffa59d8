/**
 * The in-memory log passes the conformance suite of the log port.
 */
import type { LogHarness } from './log-client.ts';
import { describeLogClient } from './log-client.ts';
import type { FaultInjector } from '../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../streams/testing/virtual-clock.ts';

/** Kills clients in front of the commit of certain transactional ids. */
class DeathBeforeCommit implements FaultInjector {
  readonly condemned = new Set<string>();

  before: FaultInjector['before'] = ({ kind, subject }) =>
    kind === 'producer.commit' && this.condemned.delete(subject) ? { then: 'crash' } : undefined;

  after: FaultInjector['after'] = () => undefined;
}

const makeHarness = async (): Promise<LogHarness> => {
  const clock = new VirtualClock(1_700_000_000_000);
  const faults = new DeathBeforeCommit();
  const log = new InMemoryLog({ clock, faults });
  let names = 0;
  return {
    clock,
    client: (clientId) => log.client(clientId),
    createTopic: async (spec) => log.createTopics([spec]),
    uniqueName: (prefix) => `${prefix}-${++names}`,
    run: (work) => clock.runUntil(work()),
    deleteRecordsBefore: async (partition, offset) => log.deleteRecordsBefore(partition, offset),
    compact: async ({ topic }) => log.compact(topic),
    openTransaction: async ({ transactionalId, partition, values, offsets }) => {
      const producer = log.client('dies').producer(transactionalId);
      await producer.init();
      for (const value of values) {
        const encoded = new TextEncoder().encode(value);
        producer.append(partition.topic, partition.partition, encoded, encoded, clock.now());
      }
      faults.condemned.add(transactionalId);
      void producer.commit(offsets?.groupId ?? 'none', offsets?.positions ?? []);
      await clock.sleep(1);
    },
    close: async () => undefined,
  };
};

describeLogClient('The in-memory log', makeHarness);
