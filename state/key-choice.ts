/**
 * The keys that a scan is about.
 *
 * Invariant: keys are compared by their bytes, as everywhere in a store.
 */
import type { KeyScanOptions } from '../streams/state-store.ts';
import { compareBytes, startsWith } from './bytes.ts';
import type { KeyCodec } from './codecs.ts';

/** Whether a serialized key is among those that the options name. */
export function keyChoice<K>(
  codec: KeyCodec<K>,
  { fromKey, toKey, prefix }: KeyScanOptions<K>,
): (keyBytes: Uint8Array) => boolean {
  const from = fromKey === undefined ? undefined : codec.encode(fromKey);
  const to = toKey === undefined ? undefined : codec.encode(toKey);
  return (keyBytes) =>
    (from === undefined || compareBytes(keyBytes, from) >= 0) &&
    (to === undefined || compareBytes(keyBytes, to) < 0) &&
    (prefix === undefined || startsWith(keyBytes, prefix));
}
