/**
 * Checks that a text is a JSON object without building it.
 *
 * Invariant: what passes is accepted by `JSON.parse` and by the JSON columns of MySQL and MariaDB. The databases take less
 * than `JSON.parse`: no lone surrogate escapes, no number beyond a double, and MariaDB no nesting past 31 levels.
 * Alerts pass here one by one, so the check reads characters in place; parsing would cost several times as much.
 */

/** Levels of objects and arrays that a text may nest. One below what MariaDB takes, to leave room for an envelope. */
export const MAX_JSON_DEPTH = 30;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_T = 0x74;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/** Digits that keep any number without an exponent far inside a double's range. */
const SAFE_NUMBER_LENGTH = 300;

/** Every scanner answers the index after what it read, or this where the text is not as it must be. */
const INVALID = -1;

/** True when the text is a JSON object (white space around it allowed) that the read model's database can hold. */
export function isJsonObjectText(text: string): boolean {
  const start = skipSpace(text, 0);
  if (text.charCodeAt(start) !== BRACE_OPEN) return false;
  const end = scanObject(text, start, 1);
  return end !== INVALID && skipSpace(text, end) === text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) at += 1;
    else return at;
  }
}

function scanValue(text: string, at: number, depth: number): number {
  const code = text.charCodeAt(at);
  if (code === QUOTE) return scanString(text, at);
  if (code === BRACE_OPEN) return scanObject(text, at, depth + 1);
  if (code === BRACKET_OPEN) return scanArray(text, at, depth + 1);
  if (code === MINUS || (code >= ZERO && code <= NINE)) return scanNumber(text, at);
  if (code === LOWER_T) return text.startsWith('true', at) ? at + 4 : INVALID;
  if (code === LOWER_F) return text.startsWith('false', at) ? at + 5 : INVALID;
  return text.startsWith('null', at) ? at + 4 : INVALID;
}

function scanObject(text: string, start: number, depth: number): number {
  if (depth > MAX_JSON_DEPTH) return INVALID;
  let at = skipSpace(text, start + 1);
  if (text.charCodeAt(at) === BRACE_CLOSE) return at + 1;
  for (;;) {
    if (text.charCodeAt(at) !== QUOTE) return INVALID;
    at = scanString(text, at);
    if (at === INVALID) return INVALID;
    at = skipSpace(text, at);
    if (text.charCodeAt(at) !== COLON) return INVALID;
    at = scanValue(text, skipSpace(text, at + 1), depth);
    if (at === INVALID) return INVALID;
    at = skipSpace(text, at);
    const code = text.charCodeAt(at);
    if (code === BRACE_CLOSE) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipSpace(text, at + 1);
  }
}

function scanArray(text: string, start: number, depth: number): number {
  if (depth > MAX_JSON_DEPTH) return INVALID;
  let at = skipSpace(text, start + 1);
  if (text.charCodeAt(at) === BRACKET_CLOSE) return at + 1;
  for (;;) {
    at = scanValue(text, at, depth);
    if (at === INVALID) return INVALID;
    at = skipSpace(text, at);
    const code = text.charCodeAt(at);
    if (code === BRACKET_CLOSE) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipSpace(text, at + 1);
  }
}

function scanString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) {
      at = scanEscape(text, at);
      if (at === INVALID) return INVALID;
    } else if (code >= 0x20) at += 1;
    // A control character, or not a number: the text has ended within the string.
    else return INVALID;
  }
}

function scanEscape(text: string, at: number): number {
  const mark = text[at + 1] ?? '';
  if (mark === 'u') return scanUnicodeEscape(text, at);
  return mark !== '' && '"\\/bfnrt'.includes(mark) ? at + 2 : INVALID;
}

/** One code unit, or a pair of surrogates written as two escapes. */
function scanUnicodeEscape(text: string, at: number): number {
  const unit = hexUnit(text, at + 2);
  if (unit === INVALID || (unit >= 0xdc00 && unit <= 0xdfff)) return INVALID;
  if (unit < 0xd800 || unit > 0xdbff) return at + 6;
  if (text[at + 6] !== '\\' || text[at + 7] !== 'u') return INVALID;
  const low = hexUnit(text, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : INVALID;
}

function hexUnit(text: string, at: number): number {
  let unit = 0;
  for (let index = at; index < at + 4; index++) {
    const digit = hexDigit(text.charCodeAt(index));
    if (digit === INVALID) return INVALID;
    unit = unit * 16 + digit;
  }
  return unit;
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : INVALID;
}

function scanNumber(text: string, start: number): number {
  let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
  const whole = skipDigits(text, at);
  if (whole === at || (text.charCodeAt(at) === ZERO && whole > at + 1)) return INVALID;
  at = whole;
  if (text.charCodeAt(at) === DOT) {
    const fraction = skipDigits(text, at + 1);
    if (fraction === at + 1) return INVALID;
    at = fraction;
  }
  if ((text.charCodeAt(at) | 0x20) !== LOWER_E)
    return at - start <= SAFE_NUMBER_LENGTH ? at : finiteEnd(text, start, at);
  const sign = text[at + 1];
  const digits = sign === '+' || sign === '-' ? at + 2 : at + 1;
  const end = skipDigits(text, digits);
  return end === digits ? INVALID : finiteEnd(text, start, end);
}

const finiteEnd = (text: string, start: number, end: number): number =>
  Number.isFinite(Number(text.slice(start, end))) ? end : INVALID;

function skipDigits(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(at)) at += 1;
  return at;
}
