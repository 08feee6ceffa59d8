/** The broker's configuration, and the request that tells when it can be used. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { controllerPortIn, renderServerProperties } from '../../../infra/local-stack/kafka.ts';
import { decodeLiveBrokers, encodeMetadataRequest } from '../../../infra/local-stack/kafka-metadata.ts';
import { kafkaAnswers, mysqlAnswers, parseHostPort } from '../../../infra/local-stack/probes.ts';

const rendered = renderServerProperties({ port: 19_092, controllerPort: 29_093, logDir: '/data dir/kafka' });
const lines = rendered.split('\n');

/** A server that answers every connection with these bytes, after the first ones it receives or at once. */
async function answering(bytes: Buffer, use: (port: number) => Promise<void>, atOnce = false): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (atOnce) socket.end(bytes);
    else socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('the configuration of Kafka', () => {
  it('[INV-INFRA-LOCAL] listens on this machine alone', () => {
    expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:29093');
    expect(lines).toContain('advertised.listeners=PLAINTEXT://127.0.0.1:19092');
    expect(rendered).not.toContain('0.0.0.0');
  });

  it('works with one node, and never makes a topic by itself', () => {
    expect(lines).toContain('process.roles=broker,controller');
    expect(lines).toContain('auto.create.topics.enable=false');
    expect(lines).toContain('group.initial.rebalance.delay.ms=0');
    expect(lines).toContain('transaction.state.log.min.isr=1');
    expect(lines).toContain('log.dirs=/data dir/kafka');
    for (const line of lines.filter((line) => line.includes('replication.factor'))) expect(line).toMatch(/=1$/);
  });

  it('remembers the port of the controller', () => {
    expect(controllerPortIn(rendered)).toBe(29_093);
    expect(controllerPortIn('node.id=1\n')).toBeUndefined();
  });
});

describe('the request for metadata', () => {
  it('announces its length and asks for no topic', () => {
    const frame = encodeMetadataRequest();
    expect(frame.readInt32BE(0)).toBe(frame.length - 4);
    expect(frame.readInt16BE(4)).toBe(3);
    expect(frame.readInt32BE(frame.length - 5)).toBe(0);
  });

  it('is answered well only when a live broker is listed', async () => {
    const response = (brokers: number): Buffer => {
      const bytes = Buffer.alloc(16);
      bytes.writeInt32BE(12, 0);
      bytes.writeInt32BE(brokers, 12);
      return bytes;
    };
    expect(decodeLiveBrokers(response(3).subarray(0, 15))).toBeUndefined();
    await answering(response(1), async (port) => expect(await kafkaAnswers({ host: '127.0.0.1', port })).toBe(true));
    await answering(response(0), async (port) => expect(await kafkaAnswers({ host: '127.0.0.1', port })).toBe(false));
    await answering(Buffer.alloc(3), async (port) =>
      expect(await kafkaAnswers({ host: '127.0.0.1', port })).toBe(false),
    );
    expect(await kafkaAnswers({ host: '127.0.0.1', port: 1 })).toBe(false);
  });
});

describe('the greeting of a database', () => {
  it('is told from the refusal of one', async () => {
    const greeting = Buffer.from([74, 0, 0, 0, 10, 49, 49]);
    const refusal = Buffer.from([74, 0, 0, 0, 255, 105, 4]);
    const ask = (port: number): Promise<boolean> => mysqlAnswers({ host: '127.0.0.1', port });
    await answering(greeting, async (port) => expect(await ask(port)).toBe(true), true);
    await answering(refusal, async (port) => expect(await ask(port)).toBe(false), true);
  });
});

describe('an address', () => {
  it('is host and port', () => {
    expect(parseHostPort('broker-1.example:9092', 'KAFKA_BROKERS')).toEqual({ host: 'broker-1.example', port: 9092 });
    expect(parseHostPort('[::1]:9092', 'KAFKA_BROKERS')).toEqual({ host: '::1', port: 9092 });
    expect(() => parseHostPort('broker', 'KAFKA_BROKERS')).toThrow(
      'KAFKA_BROKERS holds "broker"; give it as host:port.',
    );
  });
});
