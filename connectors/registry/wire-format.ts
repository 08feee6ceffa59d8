/**
 * The Confluent wire format: one zero byte, the schema id as four bytes big-endian, then the Avro body.
 *
 * Invariant: this file alone knows where the id stands.
 */
const MAGIC = 0;

/** Bytes in front of the Avro body. */
export const HEADER_BYTES = 5;

export const writeHeader = (target: Uint8Array, schemaId: number): void => {
  target[0] = MAGIC;
  target[1] = schemaId >>> 24;
  target[2] = schemaId >>> 16;
  target[3] = schemaId >>> 8;
  target[4] = schemaId;
};

/** The schema id, or -1 when the bytes are not in the wire format (ids are positive). */
export const readSchemaId = (bytes: Uint8Array): number => {
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) return -1;
  const id =
    ((bytes[1] as number) << 24) | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 8) | (bytes[4] as number);
  return id > 0 ? id : -1;
};
