/**
 * Bytes as the in-memory log keeps them.
 *
 * Invariant: what it keeps is its own: the caller may reuse any buffer that it handed over, of whatever kind.
 */

/** Not `slice`: a Buffer's gives another view of the same bytes. */
export const copyOf = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes);

/** A text that stands for the bytes: equal for equal bytes only. */
export const identityOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
