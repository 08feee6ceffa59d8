import { randomUUID } from 'node:crypto';
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { avroType } from '../../../connectors/registry/avro-serde.ts';
import {
  IncompatibleSchemaError,
  RegistryRefusedError,
  RegistryUnavailableError,
  SchemaNotFoundError,
} from '../../../connectors/registry/errors.ts';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import { rawAlertSchema, type RecordSchema } from '../../../schemas/avro.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { recoveryOf } from '../../../streams/errors.ts';
import type { LogRecord } from '../../../streams/ports.ts';

const registryUrl = process.env['SCHEMA_REGISTRY_URL'] as string;
const subjects: string[] = [];

const subject = (): string => {
  const name = `registry-test-${randomUUID()}-value`;
  subjects.push(name);
  return name;
};

const alert: RawAlert = {
  alertId: null,
  driverId: 'TEST-01',
  sourceType: 'overspeed',
  severity: 'medium',
  timestamp: 1_795_512_804_000,
  metadata: '{"speed":105}',
};

const withField = (field: object): RecordSchema<unknown> => {
  const schema = JSON.parse(rawAlertSchema.avsc) as { fields: object[] };
  return { name: 'RawAlert', avsc: JSON.stringify({ ...schema, fields: [...schema.fields, field] }) };
};
const newer = withField({ name: 'region', type: ['null', 'string'], default: null });
const incompatible = withField({ name: 'region', type: 'string' });

const record = (value: Uint8Array): LogRecord => ({ offset: 0, timestampMs: 0, key: null, value, headers: undefined });

const wire = (schemaId: number, { avsc }: RecordSchema<unknown>, value: unknown): Buffer => {
  const header = Buffer.alloc(5);
  header.writeInt32BE(schemaId, 1);
  return Buffer.concat([header, avroType(avsc).toBuffer(value)]);
};

/** Passes requests on to the registry and remembers them. */
const countingProxy = async (): Promise<{ server: Server; url: string; requests: string[] }> => {
  const requests: string[] = [];
  const target = new URL(registryUrl);
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    const { method, headers, url } = incoming;
    const passed = forward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode as number, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}${target.pathname}`, requests };
};

const rejected = async (promise: Promise<unknown>): Promise<Error> => {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('Nothing was rejected.');
};

afterAll(async () => {
  await Promise.all(subjects.map((name) => fetch(`${registryUrl}/subjects/${name}`, { method: 'DELETE' })));
});

describe('registering a schema', () => {
  const client = new SchemaRegistryClient({ url: registryUrl });

  it('gives the same id again for the same schema, however it is laid out', async () => {
    const name = subject();
    const first = await client.register(name, rawAlertSchema);
    const laidOut = { name: 'RawAlert', avsc: JSON.stringify(JSON.parse(rawAlertSchema.avsc), null, 8) };
    expect(await client.register(name, laidOut)).toBe(first);
    expect(await new SchemaRegistryClient({ url: registryUrl }).lookup(name, rawAlertSchema)).toBe(first);
    expect(await (await fetch(`${registryUrl}/subjects/${name}/versions`)).json()).toEqual([1]);
  });

  it('[INV-SCHEMA-BACKWARD] sets the subject to BACKWARD, which then refuses a schema that could not read older records', async () => {
    const name = subject();
    await client.register(name, rawAlertSchema);
    const level = (await (await fetch(`${registryUrl}/config/${name}`)).json()) as object;
    expect(level).toEqual({ compatibilityLevel: 'BACKWARD' });
    const error = await rejected(client.register(name, incompatible));
    expect(error).toBeInstanceOf(IncompatibleSchemaError);
    expect(error.message).toContain('Give every added field a default');
    expect(await client.register(name, newer)).not.toBe(await client.lookup(name, rawAlertSchema));
  });

  it('sets BACKWARD on a subject that somebody registered without a level', async () => {
    const name = subject();
    await fetch(`${registryUrl}/subjects/${name}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: rawAlertSchema.avsc }),
    });
    await client.register(name, rawAlertSchema);
    expect(await rejected(client.register(name, incompatible))).toBeInstanceOf(IncompatibleSchemaError);
  });

  it('keeps a stricter level and refuses a looser one, saying what to do', async () => {
    const name = subject();
    await client.register(name, rawAlertSchema);
    const setLevel = (compatibility: string) =>
      fetch(`${registryUrl}/config/${name}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ compatibility }),
      });
    await setLevel('FULL_TRANSITIVE');
    await client.register(name, rawAlertSchema);
    await setLevel('FORWARD');
    expect((await rejected(client.register(name, rawAlertSchema))).message).toContain('Set it to BACKWARD or FULL');
  });

  it('tells a schema that was never registered from an outage', async () => {
    const error = await rejected(client.lookup(subject(), rawAlertSchema));
    expect(error).toBeInstanceOf(SchemaNotFoundError);
    expect(error.message).toContain('bin/setup.ts');
  });
});

describe('reading through the registry', () => {
  let proxy: Awaited<ReturnType<typeof countingProxy>>;
  beforeAll(async () => {
    proxy = await countingProxy();
  });
  afterAll(() => {
    proxy.server.closeAllConnections();
    proxy.server.close();
  });

  it('[INV-SCHEMA-EVOLUTION] reads older and newer writers; [INV-REGISTRY-ONCE] each id costs one request, below the path of the address', async () => {
    const name = subject();
    const registrar = new SchemaRegistryClient({ url: registryUrl });
    const older: RecordSchema<unknown> = {
      name: 'RawAlert',
      avsc: JSON.stringify({
        ...(JSON.parse(rawAlertSchema.avsc) as object),
        fields: (JSON.parse(rawAlertSchema.avsc) as { fields: { name: string }[] }).fields.filter(
          (field) => field.name !== 'metadata',
        ),
      }),
    };
    const olderId = await registrar.register(name, older);
    await registrar.register(name, rawAlertSchema);
    const newerId = await registrar.register(name, newer);

    const client = new SchemaRegistryClient({ url: proxy.url });
    const serdes = await Promise.all([client.serdeFor(name, rawAlertSchema), client.serdeFor(name, rawAlertSchema)]);
    proxy.requests.length = 0;
    const fromOlder = wire(olderId, older, alert);
    const fromNewer = wire(newerId, newer, { ...alert, region: 'EU' });
    const batch = [fromOlder, fromNewer, fromOlder, fromNewer].map(record);
    await Promise.all(serdes.map(async (serde) => serde.prepare?.(name, batch)));
    await serdes[0].prepare?.(name, batch);
    expect(proxy.requests.toSorted()).toEqual(
      [olderId, newerId].map((id) => `GET ${new URL(registryUrl).pathname}/schemas/ids/${id}`).toSorted(),
    );
    for (const serde of serdes) {
      expect({ ...serde.deserialize(name, fromOlder) }).toEqual({ ...alert, metadata: '{}' });
      expect({ ...serde.deserialize(name, fromNewer) }).toEqual(alert);
    }
  });

  it('refuses records whose id the registry does not know, and only those', async () => {
    const name = subject();
    const client = new SchemaRegistryClient({ url: proxy.url });
    const id = await client.register(name, rawAlertSchema);
    const serde = await client.serdeFor(name, rawAlertSchema);
    const [stranger, known] = [wire(2_000_000_000, rawAlertSchema, alert), wire(id, rawAlertSchema, alert)];
    await serde.prepare?.(name, [stranger, known].map(record));
    expect(() => serde.deserialize(name, stranger)).toThrow(/id 2000000000/);
    expect(serde.deserialize(name, known)).toMatchObject(alert);
  });
});

describe('[INV-REGISTRY-OUTAGE] an outage', () => {
  const answering = async (status: number, body: string, delayMs = 0): Promise<{ server: Server; url: string }> => {
    const server = createServer((_incoming, outgoing) => {
      setTimeout(() => outgoing.writeHead(status).end(body), delayMs);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/apis/ccompat/v7` };
  };

  it('is worth a retry when nobody listens', async () => {
    const client = new SchemaRegistryClient({ url: 'http://127.0.0.1:1/apis/ccompat/v7', retries: 1 });
    const calls = [
      () => client.writerType(1),
      () => client.lookup('s', rawAlertSchema),
      () => client.register('s', rawAlertSchema),
      () => client.ping(),
    ];
    for (const call of calls) {
      const error = await rejected(call());
      expect(error).toBeInstanceOf(RegistryUnavailableError);
      expect(recoveryOf(error)).toBe('retry');
      expect(error.message).toContain('ECONNREFUSED');
    }
  });

  it.each([
    ['a server error', 503, '{"message":"later"}'],
    ['a proxy that answers in its place', 404, '<html>default backend</html>'],
    ['too many requests', 429, '{"message":"slow down"}'],
  ])('is %s', async (_what, status, body) => {
    const { server, url } = await answering(status, body);
    expect(await rejected(new SchemaRegistryClient({ url, retries: 0 }).writerType(1))).toBeInstanceOf(
      RegistryUnavailableError,
    );
    server.close();
  });

  it('ends within the time limit when the registry hangs', async () => {
    const { server, url } = await answering(200, '{}', 20_000);
    const startMs = performance.now();
    const error = await rejected(new SchemaRegistryClient({ url, timeoutMs: 300 }).writerType(1));
    expect(error).toBeInstanceOf(RegistryUnavailableError);
    expect(performance.now() - startMs).toBeLessThan(3000);
    server.closeAllConnections();
    server.close();
  });

  it('is not when the credentials are refused, and they never show', async () => {
    const { server, url } = await answering(401, '{"message":"Unauthorized"}');
    const address = new URL(url);
    address.username = 'reader';
    address.password = 'open-sesame';
    const error = await rejected(new SchemaRegistryClient({ url: address.href }).writerType(1));
    expect(error).toBeInstanceOf(RegistryRefusedError);
    expect(error.message).not.toContain('open-sesame');
    server.close();
  });

  it('sends the credentials of the address as basic authentication', async () => {
    let authorization: string | undefined;
    const server = createServer((incoming, outgoing) => {
      authorization = incoming.headers.authorization;
      outgoing.writeHead(404).end('{"message":"no such schema"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await rejected(new SchemaRegistryClient({ url: `http://reader:p%40ss@127.0.0.1:${port}` }).writerType(1));
    expect(authorization).toBe(`Basic ${Buffer.from('reader:p@ss').toString('base64')}`);
    server.close();
  });
});
