/**
 * Record batches: what is encoded here is what kafkajs and this decoder read, and what readers of committed records may see.
 */
import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compress as compressSnappy } from 'snappyjs';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../../../connectors/kafka/crc32c.ts';
import { decodeRecordBatches } from '../../../../connectors/kafka/record-batch-decoder.ts';
import {
  BATCH_HEADER_BYTES,
  nextSequence,
  RecordBatchEncoder,
  recordSizeBound,
} from '../../../../connectors/kafka/record-batch-encoder.ts';
import { writeInt64 } from '../../../../connectors/kafka/protocol/wire.ts';
import { FatalLogError } from '../../../../streams/errors.ts';
import { anyRecord, type TestRecord } from './records.ts';

/** As Java's SnappyOutputStream writes it, in two blocks. */
function snappyStream(bytes: Buffer): Buffer {
  const blocks = [bytes.subarray(0, 7), bytes.subarray(7)].flatMap((part) => {
    const block = compressSnappy(part);
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([Buffer.from('82534e41505059000000000100000001', 'hex'), ...blocks]);
}

const require = createRequire(import.meta.url);
const KafkaJsDecoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object;
const decodeWithKafkaJs = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<{
  producerId: string;
  producerEpoch: number;
  firstSequence: number;
  inTransaction: boolean;
  lastOffsetDelta: number;
  maxTimestamp: string;
  records: { key: Buffer | null; value: Buffer | null; timestamp: string; offset: string }[];
}>;

const PRODUCER = { producerId: 4_294_967_297, producerEpoch: 3 };

const encode = (
  records: readonly TestRecord[],
  { baseOffset = 0, producer = PRODUCER, transactional = true } = {},
): Buffer => {
  const encoder = new RecordBatchEncoder(Buffer.alloc(64));
  for (const { key, value, timestampMs, headers } of records) {
    encoder.append(key, value, timestampMs, headers, recordSizeBound(key, value, headers));
  }
  const bytes = Buffer.from(encoder.seal(producer, 5, transactional));
  writeInt64(bytes, baseOffset, 0);
  return bytes;
};

const record = (value: string, key: Uint8Array | null = null): TestRecord => ({
  key,
  value: Buffer.from(value),
  timestampMs: 1_000,
  headers: undefined,
});

/** Changes a batch as a broker would: attribute bits, or the records themselves; the checksum is made anew. */
const altered = (batch: Buffer, bits: number, records = batch.subarray(BATCH_HEADER_BYTES)): Buffer => {
  const changed = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), records]);
  changed.writeInt32BE(changed.length - 12, 8);
  changed.writeInt16BE(changed.readInt16BE(21) | bits, 21);
  changed.writeUInt32BE(crc32c(changed, 21), 17);
  return changed;
};

const CONTROL = 0x20;
const marker = (baseOffset: number, type: 'abort' | 'commit', producer = PRODUCER): Buffer => {
  const key = Buffer.from([0, 0, 0, type === 'commit' ? 1 : 0]);
  return altered(encode([record('', key)], { baseOffset, producer }), CONTROL);
};

const valuesOf = (bytes: Buffer, from = 0, aborted: { producerId: number; firstOffset: number }[] = []): string[] =>
  decodeRecordBatches(bytes, from, aborted, 'topic-0').records.map(({ value }) => String(value));

describe('an encoded record batch', () => {
  test('is read by kafkajs with the same records', async () => {
    const batches = fc.array(anyRecord, { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(batches, async (records) => {
        const decoded = await decodeWithKafkaJs(new KafkaJsDecoder(encode(records, { baseOffset: 7 })));
        expect(decoded).toMatchObject({
          producerId: String(PRODUCER.producerId),
          producerEpoch: PRODUCER.producerEpoch,
          firstSequence: 5,
          inTransaction: true,
          lastOffsetDelta: records.length - 1,
          maxTimestamp: String(Math.max(...records.map(({ timestampMs }) => timestampMs))),
        });
        const plain = decoded.records.map(({ key, value, timestamp, offset }) => ({ key, value, timestamp, offset }));
        expect(plain).toEqual(
          records.map(({ key, value, timestampMs }, at) => ({
            key,
            value,
            timestamp: String(timestampMs),
            offset: String(7 + at),
          })),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('is read back with every part of its records', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), fc.nat(2 ** 50), (records, baseOffset) => {
        const decoded = decodeRecordBatches(encode(records, { baseOffset }), baseOffset, [], 'topic-0');
        expect(decoded.records).toEqual(records.map((each, at) => ({ ...each, offset: baseOffset + at })));
        expect(decoded.nextOffset).toBe(baseOffset + records.length);
      }),
    );
  });

  test('has no trace of a record that was taken back [INV-KAFKA-TAKE-BACK]', () => {
    const pair = fc.tuple(fc.array(anyRecord, { minLength: 1 }), fc.array(anyRecord, { minLength: 1 }));
    fc.assert(
      fc.property(pair, ([kept, takenBack]) => {
        const encoder = new RecordBatchEncoder(Buffer.alloc(64));
        const append = ({ key, value, timestampMs, headers }: TestRecord): [number, number] => {
          const before: [number, number] = [encoder.length, encoder.maxTimestampMs];
          encoder.append(key, value, timestampMs, headers, recordSizeBound(key, value, headers));
          return before;
        };
        kept.forEach(append);
        for (const [length, maxTimestampMs] of takenBack.map(append).reverse())
          encoder.takeBack(length, maxTimestampMs);
        expect(encoder.seal(PRODUCER, 5, true).equals(encode(kept))).toBe(true);
      }),
    );
  });
});

describe('sequence numbers', () => {
  test('go from the largest int32 to zero', () => {
    expect(nextSequence(0x7fff_fffe, 1)).toBe(0x7fff_ffff);
    expect(nextSequence(0x7fff_ffff, 1)).toBe(0);
    expect(nextSequence(0x7fff_fff0, 20)).toBe(4);
  });
});

describe('a reader of committed records', () => {
  test('skips the records of aborted transactions and steps over markers', () => {
    const other = { producerId: 9, producerEpoch: 0 };
    const bytes = Buffer.concat([
      encode([record('aborted')], { baseOffset: 0 }),
      encode([record('other')], { baseOffset: 1, producer: other }),
      encode([record('plain')], { baseOffset: 2, transactional: false }),
      marker(3, 'abort'),
      encode([record('later')], { baseOffset: 4 }),
      marker(5, 'commit'),
      marker(6, 'commit', other),
    ]);
    const aborted = [{ producerId: PRODUCER.producerId, firstOffset: 0 }];
    const { records, nextOffset } = decodeRecordBatches(bytes, 0, aborted, 'topic-0');
    expect(records.map(({ value }) => String(value))).toEqual(['other', 'plain', 'later']);
    expect(nextOffset).toBe(7);
  });

  test('recognizes aborted transactions in whatever order the broker lists them', () => {
    const other = { producerId: 9, producerEpoch: 0 };
    const bytes = Buffer.concat([
      encode([record('a')], { baseOffset: 0 }),
      encode([record('b')], { baseOffset: 1, producer: other }),
      marker(2, 'abort'),
      marker(3, 'abort', other),
    ]);
    const aborted = [
      { producerId: 9, firstOffset: 1 },
      { producerId: PRODUCER.producerId, firstOffset: 0 },
    ];
    expect(valuesOf(bytes, 0, aborted)).toEqual([]);
  });

  test('does not take a record for a marker because of its key', () => {
    const lookalike = Buffer.from([0, 0, 0, 0]);
    const bytes = Buffer.concat([
      encode([record('aborted', lookalike)], { baseOffset: 0 }),
      encode([record('aborted too')], { baseOffset: 1 }),
    ]);
    expect(valuesOf(bytes, 0, [{ producerId: PRODUCER.producerId, firstOffset: 0 }])).toEqual([]);
    expect(valuesOf(bytes)).toEqual(['aborted', 'aborted too']);
  });

  test('begins in the middle of a batch', () => {
    const bytes = encode([record('a'), record('b'), record('c')], { baseOffset: 10 });
    expect(valuesOf(bytes, 11)).toEqual(['b', 'c']);
  });

  test('leaves a batch that was cut off for the next fetch', () => {
    const whole = encode([record('a')], { baseOffset: 0 });
    const cut = encode([record('b')], { baseOffset: 1 });
    for (const length of [5, 61, cut.length - 1]) {
      const { records, nextOffset } = decodeRecordBatches(
        Buffer.concat([whole, cut.subarray(0, length)]),
        0,
        [],
        'topic-0',
      );
      expect({ count: records.length, nextOffset }).toEqual({ count: 1, nextOffset: 1 });
    }
  });

  test('moves past offsets that compaction removed from the end of a batch', () => {
    const batch = encode([record('kept')], { baseOffset: 4 });
    batch.writeInt32BE(9, 23);
    batch.writeUInt32BE(crc32c(batch, 21), 17);
    const { records, nextOffset } = decodeRecordBatches(batch, 0, [], 'topic-0');
    expect({ offsets: records.map(({ offset }) => offset), nextOffset }).toEqual({ offsets: [4], nextOffset: 14 });
  });

  test('takes the time of the batch where the broker sets it', () => {
    const LOG_APPEND_TIME = 0x08;
    const batch = encode([record('a'), { ...record('b'), timestampMs: 2_000 }]);
    const { records, logAppendTime } = decodeRecordBatches(altered(batch, LOG_APPEND_TIME), 0, [], 'topic-0');
    expect({ logAppendTime, times: records.map(({ timestampMs }) => timestampMs) }).toEqual({
      logAppendTime: true,
      times: [2_000, 2_000],
    });
  });

  test('refuses a batch with a wrong checksum', () => {
    const batch = encode([record('a')]);
    batch[batch.length - 2] = (batch[batch.length - 2] as number) ^ 1;
    expect(() => valuesOf(batch)).toThrow(FatalLogError);
  });

  test.each([
    ['gzip', 1, gzipSync],
    ['snappy as one block', 2, (bytes: Buffer) => compressSnappy(bytes)],
    ['snappy as a stream of blocks', 2, snappyStream],
    ['lz4', 3, compressFrameSync],
    ['zstd', 4, zstdCompressSync],
  ] as const)('reads batches compressed with %s', (_, codec, compress) => {
    const batch = encode([record('a'), record('b')]);
    const compressed = altered(batch, codec, compress(batch.subarray(BATCH_HEADER_BYTES)));
    expect(valuesOf(compressed)).toEqual(['a', 'b']);
  });

  test('refuses what would grow beyond all measure', () => {
    const zeros = Buffer.alloc(300 * 1024 * 1024);
    const batch = encode([record('a')]);
    expect(() => valuesOf(altered(batch, 1, gzipSync(zeros)))).toThrow(/gzip batch that cannot be decompressed/);
    expect(() => valuesOf(altered(batch, 3, compressFrameSync(zeros)))).toThrow(
      /lz4 batch that cannot be decompressed/,
    );
  });

  test('names a compression that it cannot read, and the way out', () => {
    const batch = encode([record('a')]);
    expect(() => valuesOf(altered(batch, 5))).toThrow(
      /topic-0 has records compressed with codec 5.*let producers use gzip/,
    );
    for (const codec of [1, 2, 3, 4]) {
      expect(() => valuesOf(altered(batch, codec))).toThrow(/batch that cannot be decompressed/);
    }
  });
});
