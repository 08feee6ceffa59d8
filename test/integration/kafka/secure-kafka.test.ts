/** Encrypted connections and credentials, against a broker that takes nothing else. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaConnection } from '../../../connectors/config/services.ts';
import { evenAssignor } from '../../../connectors/even-assignor.ts';
import type { KafkaClientOptions } from '../../../connectors/kafka/config.ts';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { SECURE_PASSWORD, SecureKafka } from '../../support/secure-kafka.ts';

let kafka: SecureKafka;
const clients: KafkaLogClient[] = [];

beforeAll(async () => void (kafka = await SecureKafka.start()));
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(async () => kafka.stop());

const client = (changes: Readonly<Record<string, string>> = {}, options: Partial<KafkaClientOptions> = {}) => {
  const connection = readKafkaConnection({ ...kafka.environment, ...changes });
  const made = new KafkaLogClient({ ...connection, clientId: 'secure', logger: silentLogger, ...options });
  clients.push(made);
  return made;
};

const topicOf = async (name: string): Promise<string> => {
  await client()
    .admin()
    .createTopics([{ name, partitions: 1, config: {} }]);
  return name;
};

const HASTY = { faultTimeoutMs: 3_000, connectionTimeoutMs: 3_000 };

describe('a broker that takes encrypted connections of known users only', () => {
  it.each(['scram-sha-512', 'plain'])(
    '[INV-KAFKA-SECURE] serves transactions and groups after %s',
    async (mechanism) => {
      const name = await topicOf(`secure-${mechanism}`);
      const secure = client({ KAFKA_SASL_MECHANISM: mechanism });
      const producer = secure.producer(`secure-${mechanism}`);
      await producer.init();
      for (const value of ['one', 'two']) producer.append(name, 0, null, Buffer.from(value), 1);
      await producer.commit(`group-${mechanism}`, [{ topic: name, partition: 0, offset: 7 }]);
      const consumer = secure.consumer({
        ...{ groupId: `group-${mechanism}`, clientId: 'secure', topics: [name] },
        ...{ assignor: evenAssignor, sessionTimeoutMs: 10_000 },
      });
      const assignment = await consumer.rejoin(new Uint8Array(0));
      expect((await consumer.committed(assignment))[0]?.offset).toBe(7);
      consumer.seek({ topic: name, partition: 0 }, 0);
      consumer.resume(assignment);
      const values: string[] = [];
      for (const deadline = Date.now() + 30_000; values.length < 2 && Date.now() < deadline;) {
        const polled = await consumer.poll(500);
        if (polled.kind === 'rebalance') continue;
        for (const { records } of polled.batches)
          values.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
      }
      expect(values).toEqual(['one', 'two']);
      await consumer.close();
    },
  );

  it.each(['scram-sha-512', 'plain'])(
    'refuses a wrong password at once, with words that say so (%s)',
    async (mechanism) => {
      const wrong = client({ KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_PASSWORD: 'wrong-horse' });
      const failure = await wrong
        .admin()
        .partitionCounts(['any'])
        .then(
          () => undefined,
          (error: unknown) => error as Error & { code: string },
        );
      expect(failure?.code).toBe('AUTHENTICATION_FAILED');
      expect(failure?.message).toContain('refused the credentials');
      expect(failure?.message).not.toMatch(new RegExp(`wrong-horse|${SECURE_PASSWORD}`));
    },
  );

  it('is not spoken to when its certificate is not trusted, and the error says why', async () => {
    const { KAFKA_SSL_CA_FILE: _, ...environment } = kafka.environment;
    const connection = readKafkaConnection({ ...environment, KAFKA_SSL: 'true' });
    const distrusting = new KafkaLogClient({ ...connection, clientId: 'x', logger: silentLogger, ...HASTY });
    clients.push(distrusting);
    await expect(distrusting.admin().partitionCounts(['any'])).rejects.toThrow(/self-signed certificate/);
  });

  it('does not answer a client without encryption, who gives up in time', async () => {
    const connection = readKafkaConnection({ KAFKA_BROKERS: kafka.environment['KAFKA_BROKERS'] });
    const bare = new KafkaLogClient({ ...connection, clientId: 'x', logger: silentLogger, ...HASTY });
    clients.push(bare);
    await expect(bare.admin().partitionCounts(['any'])).rejects.toThrow();
  });
});
