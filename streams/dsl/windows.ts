/**
 * Windows over event time. All durations and times are milliseconds, UTC epoch where they are times.
 *
 * Invariant: which windows a record belongs to depends on its timestamp alone, so the order of arrival cannot change it.
 */

/** Time windows include their start and exclude their end; sliding and session windows include both. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** A key within one window. */
export interface Windowed<K> {
  readonly key: K;
  readonly window: Window;
}

/** Windows with boundaries that are fixed ahead: tumbling, hopping, calendar. */
export interface FixedWindows {
  readonly kind: 'fixed';
  /** How long after its end a window still takes records. */
  readonly graceMs: number;
  /** The longest a window gets. */
  readonly maxSizeMs: number;
  /** By start, ascending. */
  windowsFor(timestampMs: number): readonly Window[];
  /** The window that starts then. */
  windowAt(startMs: number): Window;
}

export type AnyWindows = FixedWindows | SlidingWindows | SessionWindows;

function requireDuration(what: string, ms: number, leastMs: number): number {
  if (Number.isSafeInteger(ms) && ms >= leastMs) return ms;
  throw new RangeError(`${what} must be whole milliseconds, ${leastMs} at least, not ${ms}.`);
}

/** Windows of one size, aligned to the epoch: tumbling, or hopping when they advance by less than their size. */
export class TimeWindows implements FixedWindows {
  readonly kind = 'fixed';
  readonly maxSizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;

  private constructor(sizeMs: number, advanceMs: number, graceMs: number) {
    this.maxSizeMs = requireDuration('The window size', sizeMs, 1);
    this.advanceMs = requireDuration('The advance', advanceMs, 1);
    this.graceMs = requireDuration('The grace period', graceMs, 0);
    if (advanceMs > sizeMs) throw new RangeError(`Windows of ${sizeMs} ms cannot advance by ${advanceMs} ms.`);
  }

  static ofSizeWithNoGrace(sizeMs: number): TimeWindows {
    return new TimeWindows(sizeMs, sizeMs, 0);
  }

  static ofSizeAndGrace(sizeMs: number, graceMs: number): TimeWindows {
    return new TimeWindows(sizeMs, sizeMs, graceMs);
  }

  advanceBy(advanceMs: number): TimeWindows {
    return new TimeWindows(this.maxSizeMs, advanceMs, this.graceMs);
  }

  windowsFor(timestampMs: number): readonly Window[] {
    const { maxSizeMs, advanceMs } = this;
    const first = Math.max(0, Math.floor((timestampMs - maxSizeMs + advanceMs) / advanceMs) * advanceMs);
    const windows: Window[] = [];
    for (let startMs = first; startMs <= timestampMs; startMs += advanceMs) windows.push(this.windowAt(startMs));
    return windows;
  }

  windowAt(startMs: number): Window {
    return { startMs, endMs: startMs + this.maxSizeMs };
  }
}

/** Windows around each record: one ends at it, one starts right behind it, so that no two are alike in content. */
export class SlidingWindows {
  readonly kind = 'sliding';
  readonly timeDifferenceMs: number;
  readonly graceMs: number;

  private constructor(timeDifferenceMs: number, graceMs: number) {
    this.timeDifferenceMs = requireDuration('The time difference', timeDifferenceMs, 0);
    this.graceMs = requireDuration('The grace period', graceMs, 0);
  }

  static ofTimeDifferenceWithNoGrace(timeDifferenceMs: number): SlidingWindows {
    return new SlidingWindows(timeDifferenceMs, 0);
  }

  static ofTimeDifferenceAndGrace(timeDifferenceMs: number, graceMs: number): SlidingWindows {
    return new SlidingWindows(timeDifferenceMs, graceMs);
  }
}

/** Windows of activity: records of a key with no more than the gap between neighbours. */
export class SessionWindows {
  readonly kind = 'session';
  readonly inactivityGapMs: number;
  readonly graceMs: number;

  private constructor(inactivityGapMs: number, graceMs: number) {
    this.inactivityGapMs = requireDuration('The inactivity gap', inactivityGapMs, 1);
    this.graceMs = requireDuration('The grace period', graceMs, 0);
  }

  static ofInactivityGapWithNoGrace(inactivityGapMs: number): SessionWindows {
    return new SessionWindows(inactivityGapMs, 0);
  }

  static ofInactivityGapAndGrace(inactivityGapMs: number, graceMs: number): SessionWindows {
    return new SessionWindows(inactivityGapMs, graceMs);
  }
}

/** How far apart two records of one key may be to be joined. */
export class JoinWindows {
  /** How much earlier the other record may be. */
  readonly beforeMs: number;
  /** How much later the other record may be. */
  readonly afterMs: number;
  readonly graceMs: number;

  private constructor(beforeMs: number, afterMs: number, graceMs: number) {
    this.beforeMs = beforeMs;
    this.afterMs = afterMs;
    this.graceMs = requireDuration('The grace period', graceMs, 0);
    if (!Number.isSafeInteger(beforeMs) || !Number.isSafeInteger(afterMs) || beforeMs + afterMs < 0) {
      throw new RangeError(`A join window cannot end (${afterMs} ms) before it starts (${-beforeMs} ms).`);
    }
  }

  static ofTimeDifferenceWithNoGrace(timeDifferenceMs: number): JoinWindows {
    return JoinWindows.ofTimeDifferenceAndGrace(timeDifferenceMs, 0);
  }

  static ofTimeDifferenceAndGrace(timeDifferenceMs: number, graceMs: number): JoinWindows {
    const differenceMs = requireDuration('The time difference', timeDifferenceMs, 0);
    return new JoinWindows(differenceMs, differenceMs, graceMs);
  }

  before(beforeMs: number): JoinWindows {
    return new JoinWindows(beforeMs, this.afterMs, this.graceMs);
  }

  after(afterMs: number): JoinWindows {
    return new JoinWindows(this.beforeMs, afterMs, this.graceMs);
  }

  get sizeMs(): number {
    return this.beforeMs + this.afterMs;
  }
}

/**
 * When windowed results go on: with every update (and `suppress` may hold them back), or once, when the window can take no
 * more records. Sliding and session windows end at any time, so with many keys there is hardly a record that closes none, and each
 * closing looks through a stretch of windows of all keys; `suppress` costs what is due and no more.
 */
export type EmitStrategy = 'on-window-update' | 'on-window-close';
