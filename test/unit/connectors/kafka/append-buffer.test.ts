/**
 * The records that wait for a commit: marks, truncation and batch boundaries, against a plain list of records.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppendBuffer } from '../../../../connectors/kafka/append-buffer.ts';
import { decodeRecordBatches } from '../../../../connectors/kafka/record-batch-decoder.ts';
import { RecordTooLargeError } from '../../../../streams/errors.ts';
import { anyRecord, type TestRecord } from './records.ts';

const PRODUCER = { producerId: 1, producerEpoch: 0 };
/** Small enough for many batches. */
const BATCH_BYTES = 600;

type Appended = TestRecord & { readonly partition: number };

const append = (buffer: AppendBuffer, { partition, key, value, timestampMs, headers }: Appended): void =>
  buffer.append('topic', partition, key, value, timestampMs, headers);

/** Everything pending, as the batches' bytes by partition. */
const sealed = (buffer: AppendBuffer): Record<number, string[]> =>
  Object.fromEntries(
    buffer
      .pending()
      .map(({ partition, batches }) => [
        partition,
        batches.map((batch) => batch.seal(PRODUCER, 0, true).toString('hex')),
      ]),
  );

const anyAppended: fc.Arbitrary<Appended> = fc
  .tuple(anyRecord, fc.nat(2))
  .map(([record, partition]) => ({ ...record, partition }));

type Step = { readonly append: Appended } | { readonly truncateTo: number };

const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: anyAppended.map((record) => ({ append: record })) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((share) => ({ truncateTo: share })) },
  ),
  { maxLength: 60 },
);

describe('the append buffer', () => {
  test('holds exactly what was appended and not taken back, across batches and partitions [INV-KAFKA-TRUNCATE]', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const buffer = new AppendBuffer(BATCH_BYTES);
        const marks = [buffer.mark()];
        let model: Appended[] = [];
        for (const step of steps) {
          if ('append' in step) {
            append(buffer, step.append);
            model.push(step.append);
            marks[model.length] = buffer.mark();
          } else {
            const keep = Math.floor(step.truncateTo * model.length);
            buffer.truncate(marks[keep] as number);
            model = model.slice(0, keep);
          }
        }
        const fresh = new AppendBuffer(BATCH_BYTES);
        for (const record of model) append(fresh, record);
        expect(sealed(buffer)).toEqual(sealed(fresh));
        expect(buffer.pendingBytes).toBe(fresh.pendingBytes);
      }),
    );
  });

  test('keeps the order of a partition over its batches, none of which is too large', () => {
    fc.assert(
      fc.property(fc.array(anyAppended), (records) => {
        const buffer = new AppendBuffer(BATCH_BYTES);
        for (const record of records) append(buffer, record);
        for (const { partition, batches } of buffer.pending()) {
          const read = batches.flatMap((batch) => {
            const bytes = batch.seal(PRODUCER, 0, true);
            expect(bytes.length).toBeLessThanOrEqual(BATCH_BYTES);
            return decodeRecordBatches(bytes, 0, [], 'topic').records;
          });
          const expected = records.filter((each) => each.partition === partition);
          expect(read.map(({ value }) => value)).toEqual(expected.map(({ value }) => value));
        }
      }),
    );
  });

  test('reuses its buffers without carrying anything over', () => {
    const buffer = new AppendBuffer(BATCH_BYTES);
    const record = { partition: 0, key: null, value: Buffer.alloc(200, 'x'), timestampMs: 9_000, headers: undefined };
    for (let i = 0; i < 10; i++) append(buffer, record);
    buffer.clear();
    expect({ empty: buffer.empty, bytes: buffer.pendingBytes, pending: buffer.pending() }).toEqual({
      empty: true,
      bytes: 0,
      pending: [],
    });
    append(buffer, { ...record, timestampMs: 5 });
    const fresh = new AppendBuffer(BATCH_BYTES);
    append(fresh, { ...record, timestampMs: 5 });
    expect(sealed(buffer)).toEqual(sealed(fresh));
  });

  test('refuses a record that no batch can hold, and stays as it was', () => {
    const buffer = new AppendBuffer(BATCH_BYTES);
    const small = { partition: 0, key: null, value: Buffer.from('small'), timestampMs: 1, headers: undefined };
    append(buffer, small);
    const before = sealed(buffer);
    expect(() => append(buffer, { ...small, value: Buffer.alloc(BATCH_BYTES) })).toThrow(RecordTooLargeError);
    expect(() => append(buffer, { ...small, partition: 1, value: Buffer.alloc(BATCH_BYTES) })).toThrow(
      RecordTooLargeError,
    );
    expect(sealed(buffer)).toEqual(before);
  });

  test('refuses a mark that stands for more than is pending', () => {
    const buffer = new AppendBuffer(BATCH_BYTES);
    append(buffer, { partition: 0, key: null, value: null, timestampMs: 1, headers: undefined });
    const mark = buffer.mark();
    buffer.clear();
    expect(() => buffer.truncate(mark)).toThrow(RangeError);
  });
});
