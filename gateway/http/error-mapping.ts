/**
 * From anything that can be thrown while a request is served to the error the client sees.
 *
 * Invariant: only an `ApiError` and the framework's own refusals tell the client what happened; anything else is a 500 without a word
 * about the inside.
 */
import type { FastifyError } from 'fastify';
import { ApiError, type FieldProblem, invalidRequest } from './api-error.ts';

/** Enough to mend a request; a body of a thousand unknown fields does not make a thousand lines. */
const MAX_FIELD_PROBLEMS = 20;

const FRAMEWORK_ERRORS: Readonly<Record<string, readonly [statusCode: number, code: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'BODY_TOO_LARGE', 'The body is larger than this service takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'INVALID_JSON', 'The body is empty; send a JSON object.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    'INVALID_CONTENT_LENGTH',
    'The body is not as long as Content-Length says.',
  ],
  FST_ERR_BAD_URL: [400, 'INVALID_URL', 'The address of the request cannot be decoded.'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'URL_TOO_LONG', 'A part of the address is too long.'],
};

type Validation = NonNullable<FastifyError['validation']>[number];

export const toFieldProblem = (
  context: string,
  { instancePath, params, message, keyword }: Validation,
): FieldProblem => {
  const path = instancePath.split('/').filter(Boolean);
  const named = params['missingProperty'] ?? params['additionalProperty'];
  if (typeof named === 'string') path.push(named);
  const field = path.join('.') || context;
  if (keyword === 'required') return { field, message: 'is required' };
  if (keyword === 'additionalProperties') return { field, message: 'is not a known field' };
  const allowed = Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(', ')}` : '';
  return { field, message: `${message ?? 'is not valid'}${allowed}` };
};

const fromFramework = (error: FastifyError): ApiError | undefined => {
  if (error.validation !== undefined) {
    const context = error.validationContext ?? 'request';
    return invalidRequest(error.validation.slice(0, MAX_FIELD_PROBLEMS).map((each) => toFieldProblem(context, each)));
  }
  const known = FRAMEWORK_ERRORS[error.code];
  if (known !== undefined) return new ApiError(...known, { cause: error });
  const { statusCode } = error;
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return undefined;
  return new ApiError(statusCode, 'BAD_REQUEST', 'The request cannot be served as it is.', { cause: error });
};

export const toApiError = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error;
  const mapped = error instanceof Error ? fromFramework(error as FastifyError) : undefined;
  return (
    mapped ??
    new ApiError(500, 'INTERNAL_ERROR', 'Something went wrong here; the request id leads to the log.', { cause: error })
  );
};
