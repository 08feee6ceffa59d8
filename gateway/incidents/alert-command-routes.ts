/**
 * `POST /v1/alerts/:id/acknowledge|resolve|comments`: what people do about driver alerts.
 *
 * Invariant: the answer is what the escalation topology committed; from then on its timer leaves the alert alone, where somebody has
 * acknowledged or resolved it.
 */
import type { FastifyInstance } from 'fastify';
import { type Clock, recoveryOf } from '../../connectors/log.ts';
import type { AlertCommand, AlertCommandType } from '../../schemas/alert-command.ts';
import type { ReadModel, StoredAlert } from '../../sink/read-model.ts';
import { type RandomBytes, uuidV7 } from '../alerts/uuid-v7.ts';
import type { CommandDesk } from '../commands/command-desk.ts';
import { ApiError, unavailable } from '../http/api-error.ts';
import { errorSchema } from '../http/schemas.ts';
import { actorBody, alertCommentBody, idParams } from './incident-schemas.ts';
import type { UserStore } from './user-store.ts';
import { requireUsers } from './validation.ts';

export interface AlertCommandRouteOptions {
  readonly desk: CommandDesk<AlertCommand>;
  readonly alerts: Pick<ReadModel, 'getAlert'>;
  readonly users: UserStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** How long an alert may take to reach the tables, in milliseconds. */
  readonly lookUpMs: number;
}

interface CommandRoute {
  Params: { id: string };
  Body: { readonly userId?: string | null; readonly text?: string } | null | undefined;
}

const LOOK_AGAIN_MS = 50;
const tags = ['alerts'];

const answerSchema = {
  type: 'object',
  properties: {
    ...{ alertId: { type: 'string' }, driverId: { type: 'string' }, sourceType: { type: 'string' } },
    ...{ severity: { type: 'string' }, status: { type: 'string' }, sequence: { type: 'integer' } },
  },
} as const;

/** An alert that was answered a moment ago may not be in the tables yet. */
const findAlert = async (alertId: string, options: AlertCommandRouteOptions): Promise<StoredAlert> => {
  const { alerts, clock, lookUpMs } = options;
  const giveUpMs = clock.now() + lookUpMs;
  try {
    for (;;) {
      const alert = await alerts.getAlert(alertId);
      if (alert !== undefined) return alert;
      if (clock.now() >= giveUpMs) break;
      await clock.sleep(LOOK_AGAIN_MS);
    }
  } catch (cause) {
    if (recoveryOf(cause) !== 'retry') throw cause;
    throw unavailable('READ_MODEL_UNAVAILABLE', 'Alerts cannot be looked up at the moment.', 2, { cause });
  }
  throw new ApiError(404, 'ALERT_NOT_FOUND', 'There is no alert with this id, or it was purged.');
};

export const alertCommandRoutes = (app: FastifyInstance, options: AlertCommandRouteOptions): void => {
  const { desk, users, clock, random } = options;
  const route = (path: string, summary: string, commandType: AlertCommandType, code: 200 | 201): void => {
    app.post<CommandRoute>(`/v1/alerts/:id/${path}`, {
      schema: {
        ...{ summary, tags, params: idParams, body: commandType === 'COMMENT' ? alertCommentBody : actorBody },
        response: { [code]: answerSchema, 400: errorSchema, 404: errorSchema, 503: errorSchema },
      },
      handler: async ({ params, body }, reply) => {
        const actor = body?.userId ?? null;
        await requireUsers(users, { userId: actor });
        const { driverId, updatedAtMs } = await findAlert(params.id, options);
        const nowMs = clock.now();
        const command: AlertCommand = {
          ...{ commandId: uuidV7(nowMs, random), commandType, alertId: params.id, driverId, actor },
          ...{ text: body?.text ?? null, timestamp: nowMs, alertUpdatedAt: updatedAtMs },
        };
        const { subject } = await desk.carryOut(command, { key: driverId });
        return reply.code(code).send(JSON.parse(subject ?? '{}'));
      },
    });
  };
  route('acknowledge', 'Take an alert in hand: it neither escalates nor closes by itself any more', 'ACKNOWLEDGE', 200);
  route('resolve', 'End an alert', 'RESOLVE', 200);
  route('comments', 'Say something about an alert', 'COMMENT', 201);
};
