/**
 * Requests that carry an Idempotency-Key: what is stored, and what a stored key means for the next request with it.
 *
 * Invariant [INV-GATEWAY-IDEMPOTENT]: the alert id is stored with the key before anything is produced and never changes while
 * the key is kept. However often a request is tried again, after a lost answer, a crash or an outcome nobody knows, it produces
 * that same alert id, and a repeated alert id changes nothing.
 */

/** What the client was answered. */
export interface StoredAnswer {
  readonly alertId: string;
  readonly status: string;
}

export interface IdempotencyRequest {
  /** SHA-256 over the client and its key. */
  readonly keyHash: Uint8Array;
  /** SHA-256 of the body as it was sent. */
  readonly bodyHash: Uint8Array;
  /** The id to keep, should the key be unknown. */
  readonly alertId: string;
}

/** A stored key. Times are judged by the store's clock, which all gateways share. */
export interface IdempotencyEntry {
  readonly bodyHash: Uint8Array;
  readonly alertId: string;
  /** Undefined until the first request was answered. */
  readonly status: string | undefined;
  /** The attempt that has the key; see `Claim`. */
  readonly attempt: string;
  /** How long that attempt may still be running, in milliseconds; 0 or less: it is over. */
  readonly leaseLeftMs: number;
  readonly expired: boolean;
}

/** The right to work on a key until the lease ends. */
export interface Claim {
  readonly keyHash: Uint8Array;
  readonly alertId: string;
  readonly attempt: string;
}

export type Verdict =
  /** Its time is over: as if it were unknown. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'other-body' }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  | { readonly kind: 'in-progress' }
  /** A former attempt ended without an answer: go on with its alert id. */
  | { readonly kind: 'take-over'; readonly alertId: string; readonly fromAttempt: string };

/** What a stored key means for a request with this body. */
export const judge = (entry: IdempotencyEntry, bodyHash: Uint8Array): Verdict => {
  if (entry.expired) return { kind: 'forget' };
  if (Buffer.compare(entry.bodyHash, bodyHash) !== 0) return { kind: 'other-body' };
  const { alertId, status } = entry;
  if (status !== undefined) return { kind: 'answered', answer: { alertId, status } };
  if (entry.leaseLeftMs > 0) return { kind: 'in-progress' };
  return { kind: 'take-over', alertId, fromAttempt: entry.attempt };
};

export type BeginResult =
  | { readonly kind: 'claimed'; readonly claim: Claim; readonly resumed: boolean }
  | Extract<Verdict, { kind: 'other-body' | 'answered' | 'in-progress' }>;

/** Rejects with any error when the store is out of reach. */
export interface IdempotencyStore {
  /** Claims the key for this request, or says why not. Atomic between all gateways. */
  begin(request: IdempotencyRequest): Promise<BeginResult>;
  /** Keeps the answer, as long as no other attempt took the key over. */
  complete(claim: Claim, status: string): Promise<void>;
  /** Replaces the kept status, when a pending alert's decision becomes known. */
  updateStatus(keyHash: Uint8Array, fromStatus: string, status: string): Promise<void>;
  /** Ends the lease without an answer: the next request with the key goes on at once. */
  release(claim: Claim): Promise<void>;
  /** Deletes a bounded number of keys whose time is over; resolves with their number. */
  deleteExpired(): Promise<number>;
}
