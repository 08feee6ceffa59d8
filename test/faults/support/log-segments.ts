/**
 * What a broker has on its disk, batch by batch, aborted ones and markers included: more than any client is shown.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Of the record batch format, version 2: where its fields lie. */
const LENGTH_AT = 8;
const ATTRIBUTES_AT = 21;
const PRODUCER_ID_AT = 43;
const EPOCH_AT = 51;
const HEADER_BYTES = 61;
/** Offset and length are not counted in the length. */
const UNCOUNTED_BYTES = 12;
const CONTROL_FLAG = 0x20;

/**
 * Batches with records that a producer wrote after something with a higher epoch of the same producer had been written, in words. The
 * owner of a task has a higher epoch than the one before, so any such batch is the work of a zombie.
 */
export async function lateWrites(partitionFolder: string): Promise<string[]> {
  const late: string[] = [];
  const epochs = new Map<bigint, number>();
  const segments = (await readdir(partitionFolder)).filter((name) => name.endsWith('.log')).sort();
  for (const segment of segments) {
    const bytes = await readFile(join(partitionFolder, segment));
    for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
      const length = bytes.readInt32BE(at + LENGTH_AT);
      // Behind the last batch a segment is filled up with zeroes.
      if (length <= 0) break;
      const producerId = bytes.readBigInt64BE(at + PRODUCER_ID_AT);
      const epoch = bytes.readInt16BE(at + EPOCH_AT);
      const isMarker = (bytes.readInt16BE(at + ATTRIBUTES_AT) & CONTROL_FLAG) !== 0;
      const highest = epochs.get(producerId) ?? epoch;
      if (producerId >= 0n && !isMarker && epoch < highest) {
        late.push(`offset ${bytes.readBigInt64BE(at)}, producer ${producerId}, epoch ${epoch} after ${highest}`);
      }
      epochs.set(producerId, Math.max(highest, epoch));
      at += UNCOUNTED_BYTES + length;
    }
  }
  return late;
}
