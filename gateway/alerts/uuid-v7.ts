/**
 * Alert ids made here: UUID version 7 (RFC 9562), in time order for the database's index.
 *
 * Invariant: the first 48 bits are the time given, so ids of different milliseconds sort as their times do.
 */

/** Fills an array of bytes with randomness; `crypto.getRandomValues` outside of tests. */
export type RandomBytes = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;

/** `epochMs` in UTC epoch milliseconds, up to 2^48. */
export const uuidV7 = (epochMs: number, random: RandomBytes): string => {
  const bytes = random(new Uint8Array(16));
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  view.setUint16(0, Math.floor(epochMs / 2 ** 32));
  view.setUint32(2, epochMs % 2 ** 32);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  return Buffer.from(bytes.buffer, bytes.byteOffset, 16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
