/**
 * What can go wrong with the schema registry, one class per recovery.
 *
 * Invariant: an outage is always told from a refusal, so that records wait out the first and only the second sends them
 * to the dead letters.
 */
import { DeserializationError, FatalLogError, RetriableLogError } from '../../streams/errors.ts';

/** The registry could not be reached or failed on its side. Try again. */
export class RegistryUnavailableError extends RetriableLogError {}

/** The registry is there and does not know the id, subject or schema. */
export class SchemaNotFoundError extends DeserializationError {}

/** The registry refuses the schema because readers or writers of its former versions would break. */
export class IncompatibleSchemaError extends FatalLogError {}

/** The registry refuses the request for good: credentials, an invalid schema. */
export class RegistryRefusedError extends FatalLogError {}

/** The library puts this name in front of its messages. */
export const LIBRARY_CLIENT_ID = 'registry';

/** As the library rejects: a network fault comes as status 400. */
interface LibraryError extends Error {
  readonly status: number;
}

/** How the library words a rejection whose body is not a registry's JSON: a network fault, or a proxy that answers in its place. */
const NOT_FROM_REGISTRY = new RegExp(`^${LIBRARY_CLIENT_ID} - Error, status \\d+(: )?`);

/** The library drops the status where it looks a schema up under a subject; it does so for 404 alone. */
const withStatus = (error: unknown): LibraryError | undefined => {
  if (!(error instanceof Error)) return undefined;
  if ('status' in error && typeof error.status === 'number') return error as LibraryError;
  return error.name === 'ConfluentSchemaRegistryError' ? Object.assign(error, { status: 404 }) : undefined;
};

const isOutage = ({ status, message }: LibraryError): boolean =>
  status >= 500 ||
  status === 429 ||
  status === 408 ||
  ((status === 400 || status === 404) && NOT_FROM_REGISTRY.test(message));

/**
 * The error a caller sees, in place of the library's. `url` must not carry credentials; `doing` completes "could not …";
 * `ifMissing` says, in a sentence, what to do when the registry does not know what it was asked for.
 */
export const registryError = (rejected: unknown, url: string, doing: string, ifMissing: string): Error => {
  const error = withStatus(rejected);
  if (error === undefined) return rejected instanceof Error ? rejected : new Error(String(rejected));
  const detail = error.message.replace(NOT_FROM_REGISTRY, '').replace(`${LIBRARY_CLIENT_ID} - `, '');
  const failed = `The schema registry at ${url} could not ${doing}`;
  const cause = { cause: error };
  if (isOutage(error)) {
    return new RegistryUnavailableError(
      'REGISTRY_UNAVAILABLE',
      `${failed}: ${detail}. Check that it runs and that SCHEMA_REGISTRY_URL is right; the call can be repeated.`,
      cause,
    );
  }
  switch (error.status) {
    case 404:
      return new SchemaNotFoundError('SCHEMA_NOT_FOUND', `${failed}: ${detail}. ${ifMissing}`, cause);
    case 409:
      return new IncompatibleSchemaError(
        'SCHEMA_INCOMPATIBLE',
        `${failed}, for it is not compatible with the version before it: ${detail}. ` +
          'Give every added field a default, keep the names and types of the others, or use another subject.',
        cause,
      );
    default:
      return new RegistryRefusedError(
        'REGISTRY_REFUSED',
        `${failed} (status ${error.status}): ${detail}. Check the credentials and the schema.`,
        cause,
      );
  }
};
