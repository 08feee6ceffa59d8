/**
 * How far a long piece of work is: a bar, the rate, the time left.
 *
 * Invariant: the rate is that of the whole run so far, so the time left does not jump about.
 */
import { count, duration } from '../text.ts';

const BAR_WIDTH = 24;

export interface ProgressState {
  readonly done: number;
  readonly total: number;
  readonly elapsedMs: number;
}

/** One line. `unit` is what is counted, in the plural. */
export function progressLine({ done, total, elapsedMs }: ProgressState, unit: string): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`;
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const parts = [`${bar} ${percent}`, `${count(done)} of ${count(total)} ${unit}`];
  const rate = elapsedMs === 0 ? 0 : (done / elapsedMs) * 1000;
  if (rate > 0) parts.push(`${count(Math.round(rate))}/s`, `ETA ${duration(((total - done) / rate) * 1000)}`);
  return parts.join('  ');
}
