/**
 * Decompression of record batches that other producers compressed, with every codec of Kafka. This folder's producers do not
 * compress.
 *
 * Invariant: a batch never grows beyond a fixed size, so a hostile one cannot exhaust the memory.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decompressFrameSync } from 'lz4-napi';
import { uncompress } from 'snappyjs';
import { FatalLogError } from '../../streams/errors.ts';

const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

interface Codec {
  readonly name: string;
  decompress(bytes: Buffer): Buffer;
}

/** By the number in a batch's attributes. */
const CODECS: Readonly<Record<number, Codec>> = {
  1: { name: 'gzip', decompress: (bytes) => gunzipSync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES }) },
  2: { name: 'snappy', decompress: decompressSnappy },
  3: { name: 'lz4', decompress: decompressLz4 },
  4: { name: 'zstd', decompress: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES }) },
};

/** `number` is the codec in the batch's attributes. Throws `FatalLogError` for a batch that cannot be read. */
export const decompress = (number: number, bytes: Buffer, where: string): Buffer => {
  const codec = CODECS[number];
  if (codec === undefined) {
    throw new FatalLogError(
      'UNSUPPORTED_COMPRESSION',
      `${where} has records compressed with codec ${number}, which Kafka does not define; let producers use gzip, snappy, lz4, zstd or none`,
    );
  }
  try {
    return codec.decompress(bytes);
  } catch (cause) {
    throw new FatalLogError('CORRUPT_RECORD_BATCH', `${where} has a ${codec.name} batch that cannot be decompressed`, {
      cause,
    });
  }
};

/** What Java's SnappyOutputStream writes before its blocks; other clients send one bare block. */
const SNAPPY_STREAM = Buffer.from('82534e4150505900', 'hex');
/** The mark and two version numbers. */
const SNAPPY_STREAM_HEADER_BYTES = 16;
const LENGTH_BYTES = 4;

function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, SNAPPY_STREAM.length).equals(SNAPPY_STREAM)) return uncompress(bytes, MAX_DECOMPRESSED_BYTES);
  const blocks: Buffer[] = [];
  let left = MAX_DECOMPRESSED_BYTES;
  for (let at = SNAPPY_STREAM_HEADER_BYTES; at < bytes.length;) {
    const start = at + LENGTH_BYTES;
    at = start + bytes.readInt32BE(at);
    const block = uncompress(bytes.subarray(start, at), left);
    left -= block.length;
    blocks.push(block);
  }
  return Buffer.concat(blocks);
}

const LZ4_FRAME_MAGIC = 0x184d2204;
const LZ4_DESCRIPTOR_BYTES = 6;
const LZ4_CONTENT_SIZE_FLAG = 0x08;
const LZ4_CONTENT_SIZE_BYTES = 8;
const LZ4_BLOCK_CHECKSUM_FLAG = 0x10;
const LZ4_LENGTH_MASK = 0x7fffffff;

function decompressLz4(bytes: Buffer): Buffer {
  const most = lz4Bound(bytes);
  if (most > MAX_DECOMPRESSED_BYTES) throw new RangeError(`It may grow to ${most} bytes.`);
  return decompressFrameSync(bytes);
}

/** The most bytes that a frame can hold: its blocks, each of the size that its descriptor allows. */
function lz4Bound(frame: Buffer): number {
  if (frame.readUInt32LE(0) !== LZ4_FRAME_MAGIC) throw new RangeError('It does not begin with an LZ4 frame.');
  const flags = frame.readUInt8(LENGTH_BYTES);
  const blockBytes = 2 ** (8 + 2 * ((frame.readUInt8(LENGTH_BYTES + 1) >> 4) & 7));
  const checksumBytes = flags & LZ4_BLOCK_CHECKSUM_FLAG ? LENGTH_BYTES : 0;
  // The last byte before the blocks is the checksum of the descriptor.
  let at = LZ4_DESCRIPTOR_BYTES + 1 + (flags & LZ4_CONTENT_SIZE_FLAG ? LZ4_CONTENT_SIZE_BYTES : 0);
  let blocks = 0;
  for (let length = frame.readUInt32LE(at); length !== 0; length = frame.readUInt32LE(at)) {
    blocks += 1;
    at += LENGTH_BYTES + (length & LZ4_LENGTH_MASK) + checksumBytes;
  }
  return blocks * blockBytes;
}
