/**
 * The stored form of a key's recent times: differences between neighbours, as they are small, in two or three bytes each.
 *
 * Invariant: what is read is equal to what was written.
 */
import type { Serde } from '../streams/serde.ts';
import { BinaryReader, BinaryWriter } from './binary.ts';
import type { RecentTimes } from './recent-times.ts';

const VERSION = 1;

export function recentTimesSerde(): Serde<RecentTimes> {
  const writer = new BinaryWriter();
  return {
    serialize: (_topic, { timesMs, windowMs, collectAtMs }) => {
      const firstMs = timesMs[0] as number;
      writer.start(VERSION).varint(windowMs).time(collectAtMs).varint(timesMs.length).time(firstMs);
      let previousMs = firstMs;
      for (let index = 1; index < timesMs.length; index++) {
        const timeMs = timesMs[index] as number;
        writer.varint(timeMs - previousMs);
        previousMs = timeMs;
      }
      return writer.finish();
    },
    deserialize: (_topic, data) => {
      const reader = new BinaryReader('record of recent times', data ?? new Uint8Array(), VERSION);
      const windowMs = reader.varint();
      const collectAtMs = reader.time();
      const timesMs = new Array<number>(reader.count());
      let timeMs = reader.time();
      timesMs[0] = timeMs;
      for (let index = 1; index < timesMs.length; index++) {
        timeMs += reader.varint();
        timesMs[index] = timeMs;
      }
      return { timesMs, windowMs, collectAtMs };
    },
  };
}
