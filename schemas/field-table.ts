/**
 * The bridge between record types and Avro files: a table of a record's fields that the type checker ties to the TypeScript
 * type and a test ties to the .avsc file.
 *
 * Invariant: a field that is added, renamed or retyped on one side alone breaks the build (type side) or the test (file side).
 */

/** How a field stands in the Avro file, as text: the type's name, its logical type after a colon, `?` for a union with null. */
type AvroToken<T> = null extends T
  ? `${AvroToken<NonNullable<T>> & string}?`
  : [T] extends [string]
    ? 'string' | 'string:json'
    : [T] extends [number]
      ? 'int' | 'long' | 'double' | 'long:timestamp-millis'
      : [T] extends [boolean]
        ? 'boolean'
        : never;

/** One token per field, in the order of the file. */
export type FieldTable<T> = { readonly [Name in keyof T]-?: AvroToken<T[Name]> };
