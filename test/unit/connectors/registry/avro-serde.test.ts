import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { avroSerde, avroType, nullable, type WriterSchemas } from '../../../../connectors/registry/avro-serde.ts';
import { RegistryUnavailableError, SchemaNotFoundError } from '../../../../connectors/registry/errors.ts';
import { alertRuleSchema, lifecycleEventSchema, rawAlertSchema } from '../../../../schemas/avro.ts';
import type { LifecycleEvent } from '../../../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../../../schemas/raw-alert.ts';
import { ALERT_STATUSES, EVENT_TYPES, SEVERITIES } from '../../../../schemas/vocabulary.ts';
import { DeserializationError, ProductionError, recoveryOf } from '../../../../streams/errors.ts';
import type { LogRecord } from '../../../../streams/ports.ts';

const OWN_ID = 7;
const TOPIC = 'raw-alerts';

const alert: RawAlert = {
  alertId: null,
  driverId: 'TEST-01',
  sourceType: 'overspeed',
  severity: 'medium',
  timestamp: 1_795_512_804_000,
  metadata: '{"speed":105}',
};

interface Field {
  name: string;
  type: unknown;
  default?: unknown;
}
type RawSchema = { fields: Field[] } & Record<string, unknown>;

const variant = (change: (schema: RawSchema) => void): string => {
  const schema = JSON.parse(rawAlertSchema.avsc) as RawSchema;
  change(schema);
  return JSON.stringify(schema);
};

/** A registry of the given schemas that counts what it is asked. */
const registryOf = (schemas: Readonly<Record<number, string>>): WriterSchemas & { readonly asked: number[] } => {
  const asked: number[] = [];
  return {
    asked,
    writerType: async (id) => {
      asked.push(id);
      const avsc = schemas[id];
      if (avsc === undefined) throw new SchemaNotFoundError('SCHEMA_NOT_FOUND', `There is no schema ${id}.`);
      return avroType(avsc);
    },
  };
};

const encode = (schemaId: number, avsc: string, value: unknown): Buffer => {
  const header = Buffer.alloc(5);
  header.writeInt32BE(schemaId, 1);
  return Buffer.concat([header, avroType(avsc).toBuffer(value)]);
};

const record = (value: Uint8Array | null, offset = 0): LogRecord => ({
  offset,
  timestampMs: 0,
  key: null,
  value,
  headers: undefined,
});

const thrown = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
};

const ownSerde = (writers?: WriterSchemas) =>
  avroSerde({ schema: rawAlertSchema, schemaId: OWN_ID, ...(writers && { writers }) });

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const time = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
const rawAlerts: fc.Arbitrary<RawAlert> = fc.record({
  alertId: fc.option(text),
  driverId: text,
  sourceType: text,
  severity: text,
  timestamp: time,
  metadata: fc.json(),
});
const events: fc.Arbitrary<LifecycleEvent> = fc.record({
  eventId: text,
  alertId: text,
  sequence: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  eventType: fc.constantFrom(...EVENT_TYPES),
  reason: text,
  oldStatus: fc.option(fc.constantFrom(...ALERT_STATUSES)),
  newStatus: fc.constantFrom(...ALERT_STATUSES),
  driverId: text,
  sourceType: text,
  severity: fc.constantFrom(...SEVERITIES),
  timestamp: time,
  metadata: fc.json(),
  alertTimestamp: time,
  alertMetadata: fc.json({ maxDepth: 4 }),
});

describe('an Avro serde', () => {
  it('[INV-SERDE-ROUNDTRIP] reads back what it wrote, of any length and script', () => {
    const alerts = ownSerde();
    const lifecycle = avroSerde({ schema: lifecycleEventSchema, schemaId: 8 });
    fc.assert(
      fc.property(rawAlerts, events, (raw, event) => {
        expect({ ...alerts.deserialize(TOPIC, alerts.serialize(TOPIC, raw)) }).toEqual(raw);
        expect({ ...lifecycle.deserialize(TOPIC, lifecycle.serialize(TOPIC, event)) }).toEqual(event);
      }),
    );
  });

  it('writes a zero byte, the schema id big-endian and the Avro body', () => {
    const bytes = avroSerde({ schema: rawAlertSchema, schemaId: 0x01020304 }).serialize(TOPIC, alert);
    expect(bytes && Buffer.from(bytes)).toEqual(encode(0x01020304, rawAlertSchema.avsc, alert));
  });

  it('keeps timestamps as epoch milliseconds and metadata as text', () => {
    const serde = ownSerde();
    const back = serde.deserialize(TOPIC, serde.serialize(TOPIC, alert));
    expect([back.timestamp, back.metadata, back.alertId]).toEqual([1_795_512_804_000, '{"speed":105}', null]);
  });

  it('grows its buffer for a record of any size and writes small ones right after it', () => {
    const serde = ownSerde();
    for (const metadata of ['{}', JSON.stringify({ note: 'é'.repeat(300_000) }), '{"speed":1}']) {
      expect(serde.deserialize(TOPIC, serde.serialize(TOPIC, { ...alert, metadata })).metadata).toBe(metadata);
    }
  });

  it('reads bytes that are not a Buffer', () => {
    const serde = ownSerde();
    const bytes = new Uint8Array(encode(OWN_ID, rawAlertSchema.avsc, alert));
    expect(serde.deserialize(TOPIC, bytes)).toMatchObject(alert);
  });

  it('names the bad field of a value that the schema does not allow, as a fault of that record alone', () => {
    const error = thrown(() => ownSerde().serialize(TOPIC, { ...alert, driverId: 17 as unknown as string }));
    expect(error).toBeInstanceOf(ProductionError);
    expect((error as Error).message).toContain('driverId');
  });

  it('writes on after a value that it refused', () => {
    const serde = ownSerde();
    thrown(() => serde.serialize(TOPIC, { ...alert, metadata: null as unknown as string }));
    expect(serde.deserialize(TOPIC, serde.serialize(TOPIC, alert))).toMatchObject(alert);
  });
});

describe('a record that cannot be read', () => {
  const good = encode(OWN_ID, rawAlertSchema.avsc, alert);
  it.each([
    ['has no value', null],
    ['is empty', Buffer.alloc(0)],
    ['is JSON', Buffer.from(JSON.stringify(alert))],
    ['has a negative schema id', Buffer.from([0, 255, 255, 255, 255, 1])],
    ['ends within a field', good.subarray(0, 12)],
    ['has no body', good.subarray(0, 5)],
    ['has bytes after its end', Buffer.concat([good, Buffer.from([0])])],
    ['has a string of negative length', Buffer.from([0, 0, 0, 0, OWN_ID, 0, 1])],
    [
      'has a timestamp beyond exact numbers',
      Buffer.from([0, 0, 0, 0, OWN_ID, 0, 0, 0, 0, ...Array<number>(9).fill(255), 1, 0]),
    ],
  ])('is a deserialization error when it %s', (_why, bytes) => {
    const error = thrown(() => ownSerde().deserialize(TOPIC, bytes));
    expect(error).toBeInstanceOf(DeserializationError);
    expect(recoveryOf(error)).toBe('skip-record');
  });

  it('is never anything else than a deserialization error or a value, whatever its bytes', () => {
    const serde = ownSerde();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        try {
          serde.deserialize(TOPIC, Buffer.concat([good.subarray(0, 5), body]));
        } catch (error) {
          expect(error).toBeInstanceOf(DeserializationError);
        }
      }),
    );
  });
});

describe('[INV-SCHEMA-EVOLUTION] records of other compatible writers', () => {
  const older = variant((schema) => {
    schema.fields = schema.fields.filter(({ name }) => name !== 'metadata' && name !== 'alertId');
  });
  const newer = variant((schema) => {
    schema.fields.unshift({ name: 'region', type: ['null', 'string'], default: null });
    schema.fields.push({ name: 'tags', type: { type: 'array', items: 'string' }, default: [] });
  });

  it('are read correctly when the writer is older: missing fields get their defaults', async () => {
    const { alertId: _id, metadata: _metadata, ...known } = alert;
    const serde = ownSerde(registryOf({ 3: older }));
    const bytes = encode(3, older, known);
    await serde.prepare?.(TOPIC, [record(bytes)]);
    expect({ ...serde.deserialize(TOPIC, bytes) }).toEqual({ ...known, alertId: null, metadata: '{}' });
  });

  it('are read correctly when the writer is newer: fields that are not ours are stepped over', async () => {
    const serde = ownSerde(registryOf({ 9: newer }));
    const bytes = encode(9, newer, { ...alert, region: 'EU', tags: ['a', 'b'] });
    await serde.prepare?.(TOPIC, [record(bytes)]);
    expect({ ...serde.deserialize(TOPIC, bytes) }).toEqual(alert);
  });

  it('can be mixed in one batch, each read by its own schema', async () => {
    const serde = ownSerde(registryOf({ 3: older, 9: newer }));
    const { alertId: _id, metadata: _metadata, ...known } = alert;
    const values = [
      encode(9, newer, { ...alert, region: null, tags: [] }),
      encode(OWN_ID, rawAlertSchema.avsc, alert),
      encode(3, older, known),
      encode(9, newer, { ...alert, region: 'EU', tags: ['x'] }),
    ];
    await serde.prepare?.(TOPIC, values.map(record));
    const read = values.map((value) => serde.deserialize(TOPIC, value));
    expect(read.map(({ metadata }) => metadata)).toEqual(['{"speed":105}', '{"speed":105}', '{}', '{"speed":105}']);
    expect(read.every(({ driverId }) => driverId === 'TEST-01')).toBe(true);
  });

  it('go to the dead letters when the schema cannot be resolved to ours', async () => {
    const other = variant((schema) => {
      schema.fields = [{ name: 'driverId', type: 'long' }];
    });
    const serde = ownSerde(registryOf({ 4: other }));
    const bytes = encode(4, other, { driverId: 5 });
    await serde.prepare?.(TOPIC, [record(bytes)]);
    expect(thrown(() => serde.deserialize(TOPIC, bytes))).toBeInstanceOf(DeserializationError);
  });
});

describe('looking up schema ids', () => {
  const other = rawAlertSchema.avsc;

  it('[INV-REGISTRY-ONCE] asks once per id, not per record or batch, and never for its own', async () => {
    const registry = registryOf({ 20: other, 21: other });
    const serde = ownSerde(registry);
    const batch = [20, OWN_ID, 21, 20, OWN_ID, 21].map((id) => record(encode(id, other, alert)));
    await serde.prepare?.(TOPIC, batch);
    expect(registry.asked.toSorted()).toEqual([20, 21]);
    expect(serde.prepare?.(TOPIC, batch)).toBeUndefined();
    expect(registry.asked).toHaveLength(2);
  });

  it('waits for nothing when all ids are known, and steps over tombstones and other bytes', () => {
    const serde = ownSerde(registryOf({}));
    const batch = [record(null), record(Buffer.from('{}')), record(encode(OWN_ID, other, alert))];
    expect(serde.prepare?.(TOPIC, batch)).toBeUndefined();
  });

  it('[INV-REGISTRY-OUTAGE] rejects in an outage, so that the batch is tried again instead of going to the dead letters', async () => {
    let down = true;
    const writers: WriterSchemas = {
      writerType: async () => {
        if (down) throw new RegistryUnavailableError('REGISTRY_UNAVAILABLE', 'The registry is away.');
        return avroType(other);
      },
    };
    const serde = ownSerde(writers);
    const bytes = encode(20, other, alert);
    const error: unknown = await Promise.resolve(serde.prepare?.(TOPIC, [record(bytes)])).catch((e: unknown) => e);
    expect(recoveryOf(error)).toBe('retry');
    down = false;
    await serde.prepare?.(TOPIC, [record(bytes)]);
    expect(serde.deserialize(TOPIC, bytes)).toMatchObject(alert);
  });

  it('remembers an id that the registry does not know: that record is refused, the others are read', async () => {
    const registry = registryOf({ 20: other });
    const serde = ownSerde(registry);
    const [unknown, known] = [encode(99, other, alert), encode(20, other, alert)];
    await serde.prepare?.(TOPIC, [record(unknown), record(known)]);
    expect((thrown(() => serde.deserialize(TOPIC, unknown)) as Error).message).toContain('There is no schema 99.');
    expect(serde.deserialize(TOPIC, known)).toMatchObject(alert);
    expect(serde.prepare?.(TOPIC, [record(unknown)])).toBeUndefined();
    expect(registry.asked.filter((id) => id === 99)).toHaveLength(1);
  });

  it('keeps no more than a bounded number of unknown ids', async () => {
    const registry = registryOf({});
    const serde = ownSerde(registry);
    const batch = Array.from({ length: 1500 }, (_, i) => record(encode(1000 + i, other, alert)));
    await serde.prepare?.(TOPIC, batch);
    registry.asked.length = 0;
    await serde.prepare?.(TOPIC, batch.slice(0, 500));
    expect(registry.asked).toHaveLength(500);
    expect(serde.prepare?.(TOPIC, batch.slice(1000, 1500))).toBeUndefined();
  });
});

describe('a nullable serde', () => {
  it('takes a tombstone for null, both ways', () => {
    const serde = nullable(avroSerde({ schema: alertRuleSchema, schemaId: 5 }));
    expect(serde.serialize('alert-rules', null)).toBeNull();
    expect(serde.deserialize('alert-rules', null)).toBeNull();
  });
});

it('types made for reading are plain: unions are not wrapped', () => {
  expect(avro.Type.isType(avroType(rawAlertSchema.avsc), 'record')).toBe(true);
  expect(avroType(rawAlertSchema.avsc).isValid({ ...alert, alertId: 'a-1' })).toBe(true);
});
