/**
 * How the incident routes say that a request is not valid.
 *
 * Invariant: the code is `VALIDATION_ERROR`, and each field in question is named with what is wrong about it.
 */
import type { FastifyInstance } from 'fastify';
import { ApiError, type FieldProblem } from '../http/api-error.ts';
import { toFieldProblem } from '../http/error-mapping.ts';
import type { UserStore } from './user-store.ts';

const MAX_PROBLEMS = 20;

export const invalid = (problems: readonly FieldProblem[]): ApiError =>
  new ApiError(400, 'VALIDATION_ERROR', 'The request is not valid; see details.fields.', {
    details: { fields: problems },
  });

/** For the routes that `app` declares from here on. Their bodies have plain numbers: none of them is handed on as it was written. */
export const takeRequests = (app: FastifyInstance): void => {
  // Who announces JSON and sends nothing has sent no body; some routes need none.
  app.addHook('onRequest', (request, _reply, done) => {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (length === '0' && encoding === undefined) delete request.headers['content-type'];
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.rawBody !== undefined) request.body = JSON.parse(request.rawBody.toString('utf8')) as unknown;
    done();
  });
  app.setSchemaErrorFormatter((errors, context) =>
    invalid(errors.slice(0, MAX_PROBLEMS).map((error) => toFieldProblem(context, error))),
  );
};

/** Rejects with an `ApiError` when a field names a user that is not there. */
export const requireUsers = async (
  users: UserStore,
  fields: Readonly<Record<string, string | null | undefined>>,
): Promise<void> => {
  for (const [field, id] of Object.entries(fields)) {
    if (id === null || id === undefined) continue;
    if ((await users.get(id)) === undefined) throw invalid([{ field, message: 'there is no user with this id' }]);
  }
};
