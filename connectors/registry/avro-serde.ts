/**
 * Avro records in the Confluent wire format, read and written without waiting.
 *
 * Invariant: bytes are read with the schema they were written with, resolved to this program's own; an id is looked up
 * before the batch that carries it is read (`prepare`), never while a record is.
 */
import avro from 'avsc';
import type { RecordSchema } from '../../schemas/avro.ts';
import { DeserializationError, ProductionError, recoveryOf } from '../../streams/errors.ts';
import type { LogRecord } from '../../streams/ports.ts';
import type { Serde } from '../../streams/serde.ts';
import { HEADER_BYTES, readSchemaId, writeHeader } from './wire-format.ts';

/** Where the schemas of other writers come from. */
export interface WriterSchemas {
  /** Rejects with `SchemaNotFoundError` for an unknown id, with `RegistryUnavailableError` in an outage. */
  writerType(schemaId: number): Promise<avro.Type>;
}

export interface AvroSerdeOptions<T> {
  readonly schema: RecordSchema<T>;
  /** The registry's id of `schema`; what this serde writes. */
  readonly schemaId: number;
  /** Left out: only records of `schemaId` can be read. */
  readonly writers?: WriterSchemas;
}

/** How to read one writer's records: as our own, through a resolver, or not at all. */
type Reader = { readonly resolver: avro.Resolver | undefined } | { readonly error: Error; readonly forgetAtMs: number };

const INITIAL_SCRATCH_BYTES = 4096;
/** Records below this length are handed out through views that are kept. */
const KEPT_VIEWS = 1024;
const MAX_LOOKUPS_AT_ONCE = 4;
/** A registry may learn an id late (replication, restored backup), so a refusal does not stand for ever. */
const UNREADABLE_MEMORY_MS = 60_000;
/** A producer of rubbish must not fill the memory with ids. */
const MAX_UNREADABLE_IDS = 1000;

/** A type whose values are plain: nullable fields are `value | null`, timestamps are epoch milliseconds, no methods. */
export const avroType = (avsc: string): avro.Type =>
  avro.Type.forSchema(JSON.parse(avsc) as Parameters<typeof avro.Type.forSchema>[0], {
    omitRecordMethods: true,
    wrapUnions: 'never',
  });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

class AvroSerde<T> implements Serde<T> {
  readonly #name: string;
  readonly #type: avro.Type;
  readonly #schemaId: number;
  readonly #writers: WriterSchemas | undefined;
  readonly #readers = new Map<number, Reader>();
  readonly #unreadable = new Set<number>();
  #scratch: Buffer;
  /** The beginning of the scratch buffer by length: making a view costs more than writing a short record. */
  #views: Buffer[] = [];

  constructor({ schema, schemaId, writers }: AvroSerdeOptions<T>) {
    this.#name = schema.name;
    this.#type = avroType(schema.avsc);
    this.#schemaId = schemaId;
    this.#writers = writers;
    this.#readers.set(schemaId, { resolver: undefined });
    this.#scratch = this.#newScratch(INITIAL_SCRATCH_BYTES);
  }

  /** Answers a view that the next call overwrites. Throws `ProductionError` for a value that the schema does not allow. */
  serialize(_topic: string, data: T): Uint8Array {
    try {
      let end = this.#type.encode(data, this.#scratch, HEADER_BYTES);
      if (end < 0) {
        this.#scratch = this.#newScratch(2 * (this.#scratch.length - end));
        end = this.#type.encode(data, this.#scratch, HEADER_BYTES);
      }
      return this.#view(end);
    } catch (cause) {
      throw new ProductionError('AVRO_ENCODE', `A ${this.#name} ${this.#complaint(data, cause)}.`, { cause });
    }
  }

  /** Throws `DeserializationError` for bytes that are not in the wire format, of an unreadable schema, or damaged. */
  deserialize(topic: string, data: Uint8Array | null): T {
    if (data === null) {
      throw new DeserializationError(
        'VALUE_MISSING',
        `A record on ${topic} has no value; a ${this.#name} is expected.`,
      );
    }
    const schemaId = readSchemaId(data);
    const reader = this.#readers.get(schemaId);
    if (reader === undefined || 'error' in reader) throw this.#unreadableError(topic, schemaId, reader?.error);
    return this.#decode(topic, data, reader.resolver);
  }

  prepare(_topic: string, records: readonly LogRecord[]): Promise<void> | undefined {
    if (this.#writers === undefined) return undefined;
    let unknown: Set<number> | undefined;
    let previous = this.#schemaId;
    for (const { value } of records) {
      if (value === null) continue;
      const schemaId = readSchemaId(value);
      if (schemaId === previous || schemaId < 0) continue;
      previous = schemaId;
      if (this.#isToBeAsked(schemaId)) (unknown ??= new Set()).add(schemaId);
    }
    return unknown === undefined ? undefined : this.#learn(unknown, this.#writers);
  }

  #isToBeAsked(schemaId: number): boolean {
    const reader = this.#readers.get(schemaId);
    return reader === undefined || ('error' in reader && reader.forgetAtMs <= Date.now());
  }

  async #learn(schemaIds: ReadonlySet<number>, writers: WriterSchemas): Promise<void> {
    const waiting = schemaIds.values();
    const work = async (): Promise<void> => {
      for (const schemaId of waiting) await this.#learnOne(schemaId, writers);
    };
    await Promise.all(Array.from({ length: Math.min(MAX_LOOKUPS_AT_ONCE, schemaIds.size) }, work));
  }

  async #learnOne(schemaId: number, writers: WriterSchemas): Promise<void> {
    try {
      const writerType = await writers.writerType(schemaId);
      const resolver = this.#type.equals(writerType) ? undefined : this.#type.createResolver(writerType);
      this.#readers.set(schemaId, { resolver });
      this.#unreadable.delete(schemaId);
    } catch (error) {
      if (recoveryOf(error) === 'retry') throw error;
      this.#rememberUnreadable(schemaId, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #rememberUnreadable(schemaId: number, error: Error): void {
    this.#unreadable.delete(schemaId);
    this.#unreadable.add(schemaId);
    this.#readers.set(schemaId, { error, forgetAtMs: Date.now() + UNREADABLE_MEMORY_MS });
    if (this.#unreadable.size <= MAX_UNREADABLE_IDS) return;
    const [oldest] = this.#unreadable;
    this.#unreadable.delete(oldest as number);
    this.#readers.delete(oldest as number);
  }

  #decode(topic: string, data: Uint8Array, resolver: avro.Resolver | undefined): T {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    let decoded: { value: T; offset: number };
    try {
      decoded = this.#type.decode(bytes, HEADER_BYTES, resolver);
    } catch (cause) {
      throw new DeserializationError(
        'AVRO_DECODE',
        `A record on ${topic} cannot be read as ${this.#name}: ${messageOf(cause)}.`,
        { cause },
      );
    }
    if (decoded.offset !== bytes.length) {
      const fault = decoded.offset < 0 ? 'ends too early' : 'has bytes after its end';
      throw new DeserializationError(
        'AVRO_DECODE',
        `A record on ${topic} cannot be read as ${this.#name}: it ${fault}.`,
      );
    }
    return decoded.value;
  }

  #unreadableError(topic: string, schemaId: number, cause: Error | undefined): DeserializationError {
    if (schemaId < 0) {
      return new DeserializationError(
        'NOT_WIRE_FORMAT',
        `A record on ${topic} is not in the Confluent wire format (a zero byte, then a schema id). Write it with a registry serializer.`,
      );
    }
    const why = cause?.message ?? 'its schema was not looked up';
    return new DeserializationError('SCHEMA_UNREADABLE', `A record on ${topic} has the schema id ${schemaId}: ${why}`, {
      cause,
    });
  }

  #view(length: number): Buffer {
    if (length >= KEPT_VIEWS) return this.#scratch.subarray(0, length);
    return (this.#views[length] ??= this.#scratch.subarray(0, length));
  }

  #newScratch(bytes: number): Buffer {
    this.#views = [];
    const scratch = Buffer.allocUnsafeSlow(bytes);
    writeHeader(scratch, this.#schemaId);
    return scratch;
  }

  #complaint(data: T, cause: unknown): string {
    const paths: string[] = [];
    this.#type.isValid(data, { errorHook: (path) => void paths.push(path.join('.')) });
    const where = paths.length === 0 ? '' : ` in ${paths.map((path) => path || 'the record').join(', ')}`;
    return `cannot be written: bad value${where} (${messageOf(cause)})`;
  }
}

export const avroSerde = <T>(options: AvroSerdeOptions<T>): Serde<T> => new AvroSerde(options);

/** The same serde for topics with tombstones: a record without a value is null, both ways. */
export const nullable = <T>(serde: Serde<T>): Serde<T | null> => ({
  serialize: (topic, data, headers) => (data === null ? null : serde.serialize(topic, data, headers)),
  deserialize: (topic, data, headers) => (data === null ? null : serde.deserialize(topic, data, headers)),
  prepare: (topic, records) => serde.prepare?.(topic, records),
});
