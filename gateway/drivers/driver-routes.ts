/**
 * A driver's alerts at this moment, over HTTP.
 *
 * Invariant: each answer names its source; one that may lack something is marked with `fresh: false`.
 */
import type { FastifyInstance } from 'fastify';
import { recoveryOf } from '../../connectors/log.ts';
import { ApiError, unavailable } from '../http/api-error.ts';
import {
  driverAlertParamsSchema,
  driverParamsSchema,
  errorSchema,
  liveAlertSchema,
  openCountSchema,
} from '../http/schemas.ts';
import type { GatewayPart } from '../part.ts';
import type { DriverAlerts } from './driver-alerts.ts';

interface OfDriver {
  Params: { driverId: string };
}
interface OneAlert {
  Params: { driverId: string; alertId: string };
}

const tags = ['alerts'];

/** The read model is what is left when the processor is away; when both are, so is the answer. */
const asking = async <T>(answer: Promise<T>): Promise<T> => {
  try {
    return await answer;
  } catch (error) {
    if (recoveryOf(error) !== 'retry') throw error;
    throw unavailable('ALERTS_UNAVAILABLE', 'Neither the processor nor the read model can be asked at the moment.', 2, {
      cause: error,
    });
  }
};

export const driverAlertsPart = (alerts: DriverAlerts): GatewayPart => ({
  routes: (app: FastifyInstance) => {
    app.get<OfDriver>('/v1/drivers/:driverId/alerts/open-count', {
      config: { access: 'read' },
      schema: {
        summary: 'How many alerts of a driver wait for somebody (OPEN or ESCALATED)',
        description:
          'From the state of the processor, so it has seen every alert that this gateway has answered with a decision. While the ' +
          'processor is away the database answers, with `source: read-model` and `fresh: false`.',
        tags,
        params: driverParamsSchema,
        response: { 200: openCountSchema, 503: errorSchema },
      },
      handler: async ({ params: { driverId } }) => {
        const { value, source, fresh } = await asking(alerts.openCount(driverId));
        return { driverId, openCount: value, source, fresh };
      },
    });
    app.get<OneAlert>('/v1/drivers/:driverId/alerts/:alertId', {
      config: { access: 'read' },
      schema: {
        summary: 'The latest state of one alert of a driver',
        description: 'As open-count: from the state of the processor, or marked where it is not.',
        tags,
        params: driverAlertParamsSchema,
        response: { 200: liveAlertSchema, 404: errorSchema, 503: errorSchema },
      },
      handler: async ({ params: { driverId, alertId } }) => {
        const { value, source, fresh } = await asking(alerts.alert(driverId, alertId));
        if (value === undefined) {
          throw new ApiError(404, 'ALERT_NOT_FOUND', 'The driver has no alert with this id, or it was purged.');
        }
        const { createdAtMs, ...alert } = value;
        return { ...alert, createdAt: new Date(createdAtMs).toISOString(), source, fresh };
      },
    });
  },
});
