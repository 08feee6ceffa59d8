/**
 * The notification part of the gateway.
 *
 * Invariant: all that it knows about the world is the database; what tells the channels is another process.
 */
import type { Clock } from '../../connectors/log.ts';
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import { ChannelStore } from '../../notifications/channel-store.ts';
import { NotificationStore } from '../../notifications/notification-store.ts';
import { takeRequests } from '../incidents/validation.ts';
import type { GatewayPart } from '../part.ts';
import { channelRoutes } from './channel-routes.ts';
import { failedRoutes } from './failed-routes.ts';

export interface NotificationPorts {
  readonly database: MysqlDatabase;
  readonly clock: Clock;
}

/** A healthy channel answers well within. */
const TEST_WAIT_MS = 3_000;

export const notificationsPart = ({ database, clock }: NotificationPorts): GatewayPart => {
  const ports = { channels: new ChannelStore(database), queue: new NotificationStore(database), clock };
  return {
    routes: async (app) => {
      await app.register(async (scope) => {
        takeRequests(scope);
        channelRoutes(scope, { ...ports, sql: database, testWaitMs: TEST_WAIT_MS });
        failedRoutes(scope, ports);
      });
    },
  };
};
