/**
 * Decompression of record batches that other producers compressed. This folder's producers do not compress.
 *
 * Invariant: a batch never grows beyond a fixed size, so a hostile one cannot exhaust the memory.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { FatalLogError } from '../../streams/errors.ts';

const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;
const CODEC_NAMES: Readonly<Record<number, string>> = { 1: 'gzip', 2: 'snappy', 3: 'lz4', 4: 'zstd' };

/** `codec` is the number in the batch's attributes. Throws `FatalLogError` for one that cannot be read. */
export const decompress = (codec: number, bytes: Buffer, where: string): Buffer => {
  const name = CODEC_NAMES[codec] ?? `number ${codec}`;
  try {
    if (name === 'gzip') return gunzipSync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES });
    if (name === 'zstd') return zstdDecompressSync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES });
  } catch (cause) {
    throw new FatalLogError('CORRUPT_RECORD_BATCH', `${where} has a ${name} batch that cannot be decompressed`, {
      cause,
    });
  }
  throw new FatalLogError(
    'UNSUPPORTED_COMPRESSION',
    `${where} has records compressed with ${name}; let producers use gzip, zstd or none, or set the topic's compression.type to one of them`,
  );
};
