/**
 * CRC-32C (Castagnoli), the checksum of a record batch. Node's zlib has CRC-32 only, which is another polynomial.
 *
 * Sixteen table look-ups move the checksum on by sixteen bytes, so that the look-ups do not wait for one another.
 */
const POLYNOMIAL = 0x82f63b78;
const SLICE = 16;
const TABLE_SIZE = 256;

/** Table `s` at `s * 256`: the checksum of a byte followed by `s` zero bytes. */
const makeTables = (): Int32Array => {
  const tables = new Int32Array(SLICE * TABLE_SIZE);
  for (let byte = 0; byte < TABLE_SIZE; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = TABLE_SIZE; at < tables.length; at++) {
    const previous = tables[at - TABLE_SIZE] as number;
    tables[at] = (previous >>> 8) ^ (tables[previous & 0xff] as number);
  }
  return tables;
};

const TABLES = makeTables();

const look = (table: number, byte: number): number => TABLES[(table << 8) | (byte & 0xff)] as number;

const lookWord = (table: number, word: number): number =>
  look(table, word) ^ look(table - 1, word >>> 8) ^ look(table - 2, word >>> 16) ^ look(table - 3, word >>> 24);

/** The checksum of `bytes[from, to)` as an unsigned number. */
export const crc32c = (bytes: Uint8Array, from = 0, to = bytes.length): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = -1;
  let at = from;
  for (const lastSlice = to - SLICE; at <= lastSlice; at += SLICE) {
    crc =
      lookWord(15, crc ^ view.getInt32(at, true)) ^
      lookWord(11, view.getInt32(at + 4, true)) ^
      lookWord(7, view.getInt32(at + 8, true)) ^
      lookWord(3, view.getInt32(at + 12, true));
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ look(0, crc ^ view.getUint8(at));
  return ~crc >>> 0;
};
