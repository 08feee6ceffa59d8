/**
 * How the stack speaks to the person who started it. Invariant: on a terminal a progress note rewrites one line; anywhere
 * else it becomes an occasional plain line, so that a log stays readable.
 */

export interface Reporter {
  /** A sentence that stays. */
  line(text: string): void;
  /** A passing note; the next one, or the next line, replaces it. */
  progress(text: string): void;
}

/** The part of a terminal or file that is written to. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const plainIntervalMs = 5_000;
const eraseLine = '\r\u001b[2K';

/** @param nowMs the clock in milliseconds; it paces the plain lines. */
export function createReporter(output: Output, nowMs: () => number = Date.now): Reporter {
  return output.isTTY === true ? terminalReporter(output) : plainReporter(output, nowMs);
}

/** Says nothing; for callers that only want the outcome. */
export const silentReporter: Reporter = { line: () => {}, progress: () => {} };

function terminalReporter(output: Output): Reporter {
  let noteShown = false;
  return {
    line(text) {
      output.write(`${noteShown ? eraseLine : ''}${text}\n`);
      noteShown = false;
    },
    progress(text) {
      const width = Math.max(20, (output.columns ?? 80) - 1);
      output.write(`${eraseLine}${text.slice(0, width)}`);
      noteShown = true;
    },
  };
}

function plainReporter(output: Output, nowMs: () => number): Reporter {
  let lastNote = '';
  let lastNoteMs = Number.NEGATIVE_INFINITY;
  return {
    line(text) {
      output.write(`${text}\n`);
    },
    progress(text) {
      if (text === lastNote || nowMs() - lastNoteMs < plainIntervalMs) return;
      lastNote = text;
      lastNoteMs = nowMs();
      output.write(`${text}\n`);
    },
  };
}
