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
      writer.start(VERSION).varint(windowMs).varint(collectAtMs).varint(timesMs.length);
      let previousMs = 0;
      for (const timeMs of timesMs) {
        writer.varint(timeMs - previousMs);
        previousMs = timeMs;
      }
      return writer.finish();
    },
    deserialize: (_topic, data) => {
      const reader = new BinaryReader('record of recent times', data ?? new Uint8Array(), VERSION);
      const windowMs = reader.varint();
      const collectAtMs = reader.varint();
      const timesMs: number[] = [];
      let timeMs = 0;
      for (let left = reader.varint(); left > 0; left--) timesMs.push((timeMs += reader.varint()));
      return { timesMs, windowMs, collectAtMs };
    },
  };
}
