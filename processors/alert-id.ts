/**
 * Alert ids for alerts whose producer gave none.
 *
 * Invariant: the id is a function of event time and place in the log (topic, partition, offset) alone, so a replay makes the
 * same ids, and two records never share one. It has the shape of a UUIDv7 and sorts by event time, which keeps a database
 * index growing at one end. Nothing is hashed per record.
 *
 * Bits: 48 event time (ms) | 4 version 7 | 12 topic hash | 2 variant | 14 partition | 48 offset.
 */

const MAX_PARTITION = 0x3fff;

const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 12 bits of FNV-1a over the topic's name. */
function topicHash(topic: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < topic.length; index++) hash = Math.imul(hash ^ topic.charCodeAt(index), 0x01000193);
  return ((hash >>> 20) ^ (hash >>> 8)) & 0xfff;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The last four hexadecimal digits. */
const low16 = (value: number): string => {
  const low = value % 0x10000;
  return (BYTES[low >>> 8] as string) + (BYTES[low & 0xff] as string);
};

/** Makes the ids of one partition. The upper digits of time and offset change rarely and are kept as text. */
export class AlertIds {
  readonly #middle: string;
  #timeHigh = -1;
  #timeHighText = '';
  #offsetHigh = -1;
  #offsetHighText = '';

  /** Throws a `RangeError` for a partition above 16383. */
  constructor(topic: string, partition: number) {
    if (!Number.isInteger(partition) || partition < 0 || partition > MAX_PARTITION) {
      throw new RangeError(`Alert ids carry partitions 0 to ${MAX_PARTITION}, not ${partition}.`);
    }
    this.#middle = `-7${hex(topicHash(topic), 3)}-${hex(0x8000 | partition, 4)}-`;
  }

  /** `timestampMs` and `offset` must be whole, not negative and below 2^48. */
  idOf(timestampMs: number, offset: number): string {
    const timeHigh = Math.floor(timestampMs / 0x10000);
    if (timeHigh !== this.#timeHigh) {
      this.#timeHigh = timeHigh;
      this.#timeHighText = `${hex(timeHigh, 8)}-`;
    }
    const offsetHigh = Math.floor(offset / 0x10000);
    if (offsetHigh !== this.#offsetHigh) {
      this.#offsetHigh = offsetHigh;
      this.#offsetHighText = this.#middle + hex(offsetHigh, 8);
    }
    return this.#timeHighText + low16(timestampMs) + this.#offsetHighText + low16(offset);
  }
}
