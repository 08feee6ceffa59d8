/**
 * Takes in alerts whose request carries an Idempotency-Key.
 *
 * Invariant: the order is claim the key (and with it the alert id), produce, keep the answer. A request that fails in between ends
 * its claim, and the next one with the key goes on with the same alert id.
 */
import { createHash } from 'node:crypto';
import type { Clock, HeaderList, Logger } from '../../connectors/log.ts';
import { type AlertIntake, type IdentifiedAlert, PENDING, type StatusLookup } from '../alerts/alert-intake.ts';
import { ApiError, unavailable } from '../http/api-error.ts';
import type { BeginResult, Claim, IdempotencyStore, StoredAnswer } from './idempotency.ts';

export interface IdempotentRequest {
  /** Whose key it is: two clients may use the same one. */
  readonly client: string;
  readonly key: string;
  readonly body: Uint8Array;
  /** The request's. */
  readonly logger: Logger;
  /** They go with the record. */
  readonly headers?: HeaderList;
}

export interface IdempotentAnswer extends StoredAnswer {
  /** The answer was kept from an earlier request. */
  readonly replayed: boolean;
}

export interface IdempotentIntakeOptions {
  readonly store: IdempotencyStore;
  readonly intake: AlertIntake;
  readonly lookUpStatus: StatusLookup;
  readonly clock: Clock;
  /** Longest wait for one call of the store, in milliseconds. */
  readonly storeTimeoutMs: number;
}

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export class IdempotentIntake {
  readonly #options: IdempotentIntakeOptions;

  constructor(options: IdempotentIntakeOptions) {
    this.#options = options;
  }

  /** `mayBeKnown` as for `AlertIntake.submit`. Rejects with an `ApiError`: 409 for a key in other use, 503 as `submit` does. */
  async submit(request: IdempotentRequest, alert: IdentifiedAlert, mayBeKnown: boolean): Promise<IdempotentAnswer> {
    const keyHash = sha256(request.client, '\n', request.key);
    const begun = await this.#begin(keyHash, sha256(request.body), alert.alertId);
    switch (begun.kind) {
      case 'other-body':
        throw new ApiError(409, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body.');
      case 'in-progress':
        throw new ApiError(409, 'IDEMPOTENCY_KEY_IN_PROGRESS', 'The first request with this key is not answered yet.', {
          retryAfterSeconds: 1,
        });
      case 'answered':
        return { ...(await this.#refreshed(keyHash, begun.answer, request.logger)), replayed: true };
      case 'claimed': {
        const { alertId } = begun.claim;
        const status = await this.#work(begun.claim, alert, mayBeKnown || begun.resumed, request);
        return { alertId, status, replayed: false };
      }
    }
  }

  async #begin(keyHash: Buffer, bodyHash: Buffer, alertId: string): Promise<BeginResult> {
    try {
      return await this.#inTime(this.#options.store.begin({ keyHash, bodyHash, alertId }));
    } catch (error) {
      throw unavailable(
        'IDEMPOTENCY_UNAVAILABLE',
        'Idempotency keys cannot be checked at the moment; nothing was sent.',
        2,
        { cause: error },
      );
    }
  }

  async #work(
    claim: Claim,
    alert: IdentifiedAlert,
    mayBeKnown: boolean,
    { logger, headers }: IdempotentRequest,
  ): Promise<string> {
    const { store, intake } = this.#options;
    try {
      const status = await intake.submit({ ...alert, alertId: claim.alertId }, mayBeKnown, logger, headers);
      await this.#attempt('the answer of an idempotent request was not kept', store.complete(claim, status), logger);
      return status;
    } catch (error) {
      await this.#attempt('the claim of a failed request was not ended', store.release(claim), logger);
      throw error;
    }
  }

  /** The first answer may have come before the decision; then the decision is the better answer, as soon as it is known. */
  async #refreshed(keyHash: Buffer, answer: StoredAnswer, logger: Logger): Promise<StoredAnswer> {
    if (answer.status !== PENDING) return answer;
    const { lookUpStatus, store } = this.#options;
    let status: string | undefined;
    await this.#attempt(
      'a pending answer could not be refreshed',
      lookUpStatus(answer.alertId).then(async (found) => {
        status = found;
        if (found !== undefined) await store.updateStatus(keyHash, PENDING, found);
      }),
      logger,
    );
    return { alertId: answer.alertId, status: status ?? PENDING };
  }

  /** For what must not fail the request: without it the key is free again when its lease ends, with the same alert id. */
  async #attempt(failure: string, work: Promise<void>, logger: Logger): Promise<void> {
    try {
      await this.#inTime(work);
    } catch (error) {
      logger.warn(failure, { err: error });
    }
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { clock, storeTimeoutMs } = this.#options;
    const done = new AbortController();
    const late = clock.sleep(storeTimeoutMs, done.signal).then(() => {
      throw new Error(`the idempotency store did not answer within ${storeTimeoutMs} ms`);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      // The sleep ends at once then; nobody is interested in how.
      late.catch(() => undefined);
      work.catch(() => undefined);
      done.abort();
    }
  }
}
