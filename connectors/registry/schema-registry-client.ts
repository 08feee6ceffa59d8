/**
 * The schema registry, through its Confluent API.
 *
 * Invariant: a schema id is asked for once per process and concurrent asks share one request; every call ends within
 * `timeoutMs`, attempts included. Subjects are BACKWARD compatible or stricter before a schema is registered under them.
 */
import { Agent as HttpsAgent } from 'node:https';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type avro from 'avsc';
import type { RecordSchema } from '../../schemas/avro.ts';
import type { Serde } from '../../streams/serde.ts';
import { avroSerde, type WriterSchemas } from './avro-serde.ts';
import { IncompatibleSchemaError, LIBRARY_CLIENT_ID, registryError, SchemaNotFoundError } from './errors.ts';

export interface SchemaRegistryOptions {
  /** Base address with its path, such as `http://127.0.0.1:8081/apis/ccompat/v7`; may carry `user:password@`. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Certificates to trust besides none other, PEM. For https addresses. */
  readonly ca?: string | undefined;
  /** Bounds one call with all its attempts. Default 10 s. */
  readonly timeoutMs?: number;
  /** How often a failed attempt is repeated. Default 3, within about a second. */
  readonly retries?: number;
}

type LibraryArguments = ConstructorParameters<typeof SchemaRegistry>[0];
type LibraryMiddleware = NonNullable<LibraryArguments['middlewares']>[number];

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_RETRIES = 3;

/** Levels under which a reader of this version reads everything that former versions wrote. */
const BACKWARD_LEVELS: readonly string[] = [
  COMPATIBILITY.BACKWARD,
  COMPATIBILITY.BACKWARD_TRANSITIVE,
  COMPATIBILITY.FULL,
  COMPATIBILITY.FULL_TRANSITIVE,
];

/** One signal for the call and all its attempts: the library prepares a request once and repeats it. */
const bounded =
  (timeoutMs: number): LibraryMiddleware =>
  () => ({
    prepareRequest: async (next) => (await next()).enhance({ signal: AbortSignal.timeout(timeoutMs) }),
  });

const retryPolicy = (retries: number): NonNullable<LibraryArguments['retry']> => ({
  retries,
  initialRetryTimeInSecs: 0.1,
  maxRetryTimeInSecs: 1,
  multiplier: 2,
  factor: 0.2,
  // Every call here may be repeated: registering the same schema twice gives the same id.
  enableRetry: () => true,
  validateRetry: (response) => response.status() >= 500 || response.status() === 429,
});

/** The schema goes out as one line, so that laying out the file anew makes no new version. */
const avroSchema = ({ avsc }: RecordSchema<unknown>): { type: SchemaType.AVRO; schema: string } => ({
  type: SchemaType.AVRO,
  schema: JSON.stringify(JSON.parse(avsc)),
});

export class SchemaRegistryClient implements WriterSchemas {
  /** Without credentials, fit for messages. */
  readonly url: string;
  readonly #registry: SchemaRegistry;

  constructor(options: SchemaRegistryOptions) {
    const address = new URL(options.url);
    const username = options.username ?? decodeURIComponent(address.username);
    const password = options.password ?? decodeURIComponent(address.password);
    address.username = '';
    address.password = '';
    this.url = address.href.replace(/\/+$/, '');
    this.#registry = new SchemaRegistry(
      {
        host: this.url,
        clientId: LIBRARY_CLIENT_ID,
        retry: retryPolicy(options.retries ?? DEFAULT_RETRIES),
        middlewares: [bounded(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)],
        ...(username === '' ? {} : { auth: { username, password } }),
        ...(options.ca === undefined ? {} : { agent: new HttpsAgent({ ca: options.ca, keepAlive: true }) }),
      },
      { [SchemaType.AVRO]: { omitRecordMethods: true } },
    );
  }

  /**
   * Registers the schema and answers its id; the same schema gets the same id again. Sets the subject's compatibility to
   * BACKWARD where it has none. Rejects with `IncompatibleSchemaError`, `RegistryRefusedError` or `RegistryUnavailableError`.
   */
  async register(subject: string, schema: RecordSchema<unknown>): Promise<number> {
    const compatibility = await this.#ensureBackward(subject);
    const { id } = await this.#call(`register ${schema.name} under ${subject}`, () =>
      this.#registry.register(avroSchema(schema), { subject, compatibility: compatibility as COMPATIBILITY }),
    );
    return id;
  }

  /** The id of exactly this schema under the subject. Rejects with `SchemaNotFoundError` when it was not registered. */
  async lookup(subject: string, schema: RecordSchema<unknown>): Promise<number> {
    return this.#call(
      `find ${schema.name} under ${subject}`,
      () => this.#registry.getRegistryIdBySchema(subject, avroSchema(schema)),
      'Register this version of it by running bin/setup.ts, as `npm start` does.',
    );
  }

  async writerType(schemaId: number): Promise<avro.Type> {
    const schema = await this.#call(
      `give the schema with id ${schemaId}`,
      () => this.#registry.getSchema(schemaId),
      'The record was written with another registry, or not by a registry serializer.',
    );
    if (!('createResolver' in schema)) {
      throw new SchemaNotFoundError('SCHEMA_NOT_AVRO', `The schema with id ${schemaId} at ${this.url} is not Avro.`);
    }
    return schema as unknown as avro.Type;
  }

  /** The serde of a subject whose schema is registered (see `lookup`). */
  async serdeFor<T>(subject: string, schema: RecordSchema<T>): Promise<Serde<T>> {
    return avroSerde({ schema, schemaId: await this.lookup(subject, schema), writers: this });
  }

  /** Resolves when the registry answers. */
  async ping(): Promise<void> {
    await this.#level('ping');
  }

  async #ensureBackward(subject: string): Promise<string> {
    const level = await this.#level(subject);
    if (level !== undefined && BACKWARD_LEVELS.includes(level)) return level;
    // NONE is also what some registries answer for a subject that has no level of its own.
    if (level !== undefined && level !== 'NONE') {
      throw new IncompatibleSchemaError(
        'SUBJECT_COMPATIBILITY',
        `The subject ${subject} at ${this.url} has the compatibility ${level}, under which records written before could ` +
          'become unreadable. Set it to BACKWARD or FULL in the registry.',
      );
    }
    const body = { compatibility: COMPATIBILITY.BACKWARD };
    await this.#call(`set the compatibility of ${subject}`, () => this.#api.Subject.updateConfig({ subject, body }));
    return COMPATIBILITY.BACKWARD;
  }

  /** The subject's compatibility level, or undefined where it has none. */
  async #level(subject: string): Promise<string | undefined> {
    try {
      const response = await this.#call(`tell the compatibility of ${subject}`, () =>
        this.#api.Subject.config({ subject }),
      );
      return response.data<{ compatibilityLevel: string }>().compatibilityLevel.toUpperCase();
    } catch (error) {
      if (error instanceof SchemaNotFoundError) return undefined;
      throw error;
    }
  }

  /** The library's own requests; it has no public call for a subject's compatibility. */
  get #api(): ConfigApi {
    return this.#registry['api'] as ConfigApi;
  }

  async #call<T>(
    doing: string,
    call: () => Promise<T>,
    ifMissing = 'Check the path in SCHEMA_REGISTRY_URL.',
  ): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw registryError(error, this.url, doing, ifMissing);
    }
  }
}

interface ConfigApi {
  readonly Subject: {
    config(args: { subject: string }): Promise<{ data<T>(): T }>;
    updateConfig(args: { subject: string; body: { compatibility: string } }): Promise<unknown>;
  };
}
