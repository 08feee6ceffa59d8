/**
 * `POST /process-alert`: the way in.
 *
 * Invariant: what is answered 200, 201 or 202 is on the log; every other answer says that it is not, or that this is unknown and how
 * to ask again.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock, Logger } from '../../connectors/log.ts';
import { type AlertIntake, PENDING } from '../alerts/alert-intake.ts';
import { type AlertRequest, toRawAlert } from '../alerts/alert-request.ts';
import type { TimestampParser } from '../alerts/timestamp.ts';
import { type RandomBytes, uuidV7 } from '../alerts/uuid-v7.ts';
import { invalidRequest } from '../http/api-error.ts';
import { recordHeaders } from '../http/tracing.ts';
import { alertAnswerSchema, alertRequestSchema, errorSchema, idempotencyHeadersSchema } from '../http/schemas.ts';
import type { IdempotentAnswer, IdempotentIntake } from '../idempotency/idempotent-intake.ts';

export interface ProcessAlertOptions {
  readonly intake: AlertIntake;
  readonly idempotentIntake: IdempotentIntake;
  readonly parseTimestamp: TimestampParser;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: RandomBytes;
  /** How far ahead an alert's time may be, in milliseconds. */
  readonly futureSkewMs: number;
}

interface ProcessAlertRoute {
  Body: AlertRequest;
  Headers: { 'idempotency-key'?: string };
}

const schema = {
  summary: 'Take an alert in and decide on it',
  description:
    'Answers once the decision is committed: 201 with the status, or 202 with PENDING when it takes longer than the wait. ' +
    'Either way the alert is on the log. After a 503 send the request again with the alertId from details, or with the same Idempotency-Key.',
  tags: ['alerts'],
  headers: idempotencyHeadersSchema,
  body: alertRequestSchema,
  response: {
    200: { ...alertAnswerSchema, description: 'The answer to an earlier request with this Idempotency-Key.' },
    201: { ...alertAnswerSchema, description: 'Taken in and decided.' },
    202: { ...alertAnswerSchema, description: 'Taken in; the decision follows.' },
    400: errorSchema,
    409: errorSchema,
    413: errorSchema,
    415: errorSchema,
    429: errorSchema,
    503: errorSchema,
  },
};

/** Severity is taken in any case; the schema, and all behind it, know the lower one. */
const lowerSeverity = (body: unknown): void => {
  if (typeof body !== 'object' || body === null) return;
  const fields = body as { severity?: unknown };
  if (typeof fields.severity === 'string') fields.severity = fields.severity.toLowerCase();
};

const statusCodeOf = ({ replayed, status }: IdempotentAnswer): number =>
  replayed ? 200 : status === PENDING ? 202 : 201;

export const processAlertRoute = (app: FastifyInstance, options: ProcessAlertOptions): void => {
  const { intake, idempotentIntake, clock, random } = options;
  app.post<ProcessAlertRoute>('/process-alert', {
    config: { access: 'ingest' },
    schema,
    preValidation: (request, _reply, done) => {
      lowerSeverity(request.body);
      done();
    },
    handler: async (request, reply) => {
      const arrivalMs = clock.now();
      const outcome = toRawAlert(request.body, {
        ...options,
        arrivalMs,
        assignedAlertId: uuidV7(arrivalMs, random),
      });
      if (!outcome.ok) throw invalidRequest(outcome.problems);
      const { alert } = outcome;
      request.subject = { alert_id: alert.alertId, driver_id: alert.driverId };
      const headers = recordHeaders(request);
      const mayBeKnown = request.body.alertId !== undefined;
      const logger = options.logger.child({ request_id: request.id });
      const key = request.headers['idempotency-key'];
      const answer: IdempotentAnswer =
        key === undefined
          ? { alertId: alert.alertId, status: await intake.submit(alert, mayBeKnown, logger, headers), replayed: false }
          : await idempotentIntake.submit(
              { client: request.client?.id ?? '', key, body: request.rawBody ?? Buffer.alloc(0), logger, headers },
              alert,
              mayBeKnown,
            );
      return reply.code(statusCodeOf(answer)).send({ alertId: answer.alertId, status: answer.status });
    },
  });
};
