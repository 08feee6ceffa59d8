/**
 * The errors a client sees, as one shape: `{code, message, request_id, details}`.
 *
 * Invariant: every response outside 2xx has this shape and says nothing about the inside: no stack, no address, no query.
 */

/** One field of a request that was refused, and why. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly request_id: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Thrown by handlers; its message and details are meant for the client. */
export class ApiError extends Error {
  readonly statusCode: number;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Seconds for the Retry-After header. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    statusCode: number,
    code: string,
    message: string,
    options: { details?: Readonly<Record<string, unknown>>; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ApiError';
    this.statusCode = statusCode;
    this.code = code;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export const invalidRequest = (problems: readonly FieldProblem[]): ApiError =>
  new ApiError(400, 'VALIDATION_FAILED', 'The request is not valid; see details.fields.', {
    details: { fields: problems },
  });

/** `retryAfterSeconds`: when it is worth trying again. */
export const unavailable = (
  code: string,
  message: string,
  retryAfterSeconds: number,
  options: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
): ApiError => new ApiError(503, code, message, { ...options, retryAfterSeconds });

export const errorBody = (error: ApiError, requestId: string): ErrorBody => ({
  code: error.code,
  message: error.message,
  request_id: requestId,
  details: error.details,
});
