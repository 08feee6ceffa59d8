/**
 * The protocol's primitive types: a reader reads what a writer wrote.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../connectors/kafka/protocol/group-apis.ts';
import { WireReader, WireWriter } from '../../../../connectors/kafka/protocol/wire.ts';

const readerOf = (writer: WireWriter): WireReader => new WireReader(Buffer.concat(writer.finish()));

const anyText = fc.string({ maxLength: 300, unit: 'grapheme' });

describe('the wire format', () => {
  test('gives integers back, the large and the negative ones too', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer(), fc.nat(), (long, int, unsigned) => {
        const reader = readerOf(new WireWriter(1).int64(long).int32(int).uvarint(unsigned).int16(-1).boolean(true));
        expect([reader.int64(), reader.int32(), reader.uvarint(), reader.int16(), reader.boolean()]).toEqual([
          long,
          int,
          unsigned,
          -1,
          true,
        ]);
      }),
    );
  });

  test('gives texts, bytes and lists back', () => {
    fc.assert(
      fc.property(fc.array(anyText), fc.uint8Array({ maxLength: 1_000 }), (texts, bytes) => {
        const writer = new WireWriter(1);
        writer.array(texts, (text) => writer.string(text)).bytes(bytes);
        writer.compactArray(texts, (text) => writer.compactString(text)).noTags();
        const reader = readerOf(writer.string(null));
        expect(reader.array(() => reader.string())).toEqual(texts);
        expect([...(reader.bytes() ?? [])]).toEqual([...bytes]);
        expect(reader.compactArray(() => reader.compactString())).toEqual(texts);
        reader.skipTags();
        expect(reader.string()).toBe(null);
      }),
    );
  });

  test('carries attached buffers in their place without copying them', () => {
    const attached = Buffer.from('attached');
    const writer = new WireWriter().int8(1).attach(attached).int8(2);
    expect(writer.length).toBe(2 + attached.length);
    expect(writer.finish()).toContain(attached);
    expect(Buffer.concat(writer.finish())).toEqual(Buffer.from('\x01attached\x02'));
  });
});

describe('the consumer protocol', () => {
  test('carries topics and user data of members, and assignments', () => {
    const userData = Buffer.from([0, 255, 7]);
    expect(decodeSubscription('m', encodeSubscription(['a', 'b'], userData))).toEqual({
      memberId: 'm',
      topics: ['a', 'b'],
      userData: Uint8Array.from(userData),
    });
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 3 },
      { topic: 'b', partition: 1 },
    ];
    const announced = Uint8Array.of(1, 2, 3);
    expect(decodeAssignment(encodeAssignment(partitions, announced))).toEqual({ partitions, announced });
    const nothing = new Uint8Array(0);
    expect(decodeAssignment(encodeAssignment(partitions))).toEqual({ partitions, announced: nothing });
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], announced: nothing });
  });
});
