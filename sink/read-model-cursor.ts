/**
 * The opaque cursor of a list of alerts: the place after the last one shown.
 *
 * Invariant: `decodeCursor(encodeCursor(place))` is the place; anything else is refused, never guessed.
 */

export interface CursorPlace {
  readonly createdAtMs: number;
  readonly alertId: string;
}

/** The cursor was not made here. Ask for the first page. */
export class InvalidCursorError extends Error {
  constructor() {
    super('The cursor is not one that a page of this list gave; leave it out to begin at the first page.');
    this.name = 'InvalidCursorError';
  }
}

const MAX_CURSOR_LENGTH = 512;
const PLACE = /^(-?\d{1,15}):(.+)$/su;

export const encodeCursor = ({ createdAtMs, alertId }: CursorPlace): string =>
  Buffer.from(`${createdAtMs}:${alertId}`, 'utf8').toString('base64url');

/** Throws `InvalidCursorError`. */
export const decodeCursor = (cursor: string): CursorPlace => {
  if (cursor.length > MAX_CURSOR_LENGTH) throw new InvalidCursorError();
  const place = PLACE.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (place?.[1] === undefined || place[2] === undefined) throw new InvalidCursorError();
  const decoded = { createdAtMs: Number(place[1]), alertId: place[2] };
  if (encodeCursor(decoded) !== cursor) throw new InvalidCursorError();
  return decoded;
};
