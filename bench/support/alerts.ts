/**
 * The alerts of a benchmark: the same numbers give the same alerts.
 */
import type { RawAlert } from '../../schemas/raw-alert.ts';

export interface AlertsSpec {
  readonly count: number;
  readonly drivers: number;
  /** Event time of the first alert; UTC epoch milliseconds. */
  readonly startMs: number;
  /** Event time from the first alert to the last. */
  readonly spanMs: number;
  /** How far alerts are out of order at most. */
  readonly jitterMs: number;
  readonly seed?: number;
}

const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;

/** xorshift32: small, fast and the same everywhere. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};

/** Half overspeed, three in ten negative feedback, the rest compliance, of which one in ten closes at once. */
export function* alerts({ count, drivers, startMs, spanMs, jitterMs, seed = 42 }: AlertsSpec): Generator<RawAlert> {
  const random = randomFrom(seed);
  for (let index = 0; index < count; index++) {
    const kind = random();
    const sourceType = kind < 0.5 ? 'overspeed' : kind < 0.8 ? 'feedback_negative' : 'compliance';
    const timestamp = Math.floor(startMs + (index / count) * spanMs - random() * jitterMs);
    yield {
      alertId: null,
      driverId: `driver-${Math.floor(random() * drivers)}`,
      sourceType,
      severity: SEVERITIES[Math.floor(random() * SEVERITIES.length)] as RawAlert['severity'],
      timestamp,
      metadata: metadataOf(sourceType, random),
    };
  }
}

function metadataOf(sourceType: string, random: () => number): string {
  switch (sourceType) {
    case 'overspeed':
      return `{"speed":${90 + Math.floor(random() * 60)},"limit":80}`;
    case 'feedback_negative':
      return `{"rating":${1 + Math.floor(random() * 2)},"comment":"Rude driver"}`;
    default:
      return `{"docType":"DL","document_valid":${random() < 0.1}}`;
  }
}
