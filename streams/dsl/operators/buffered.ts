/**
 * Records that wait in a store, with all that they take along.
 *
 * Invariant: what comes out has the time and the headers that went in.
 */
import type { HeaderList } from '../../record.ts';
import { int64At, int64Bytes, packed, unpacked } from '../serdes.ts';

/** Time and headers, as bytes. */
export const packedContext = (timestampMs: number, headers: HeaderList | undefined): Uint8Array =>
  packed([int64Bytes(timestampMs), ...(headers ?? []).flatMap(([name, value]) => [Buffer.from(name, 'utf8'), value])]);

export function unpackedContext(bytes: Uint8Array): {
  readonly timestampMs: number;
  readonly headers: HeaderList | undefined;
} {
  const [time, ...parts] = unpacked(bytes) as Uint8Array[];
  const headers: (readonly [string, Uint8Array])[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    headers.push([Buffer.from(parts[at] as Uint8Array).toString('utf8'), Uint8Array.from(parts[at + 1] as Uint8Array)]);
  }
  return { timestampMs: int64At(time as Uint8Array, 0), headers: headers.length === 0 ? undefined : headers };
}
