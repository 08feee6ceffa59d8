/**
 * The part of a gateway that asks the processors about a driver's alerts.
 */
import { readingKey } from '../../connectors/http/api-keys.ts';
import { STREAMS_PATH } from '../../connectors/queries/addresses.ts';
import { queryThrough } from '../../connectors/queries/remote-query.ts';
import { DriverAlerts } from '../../gateway/drivers/driver-alerts.ts';
import { driverAlertsPart } from '../../gateway/drivers/driver-routes.ts';
import type { GatewayPart } from '../../gateway/part.ts';
import { ALERTS_STORE } from '../../processors/store-names.ts';
import { countOpenAlerts } from '../../sink/read-model.ts';
import type { GatewayPartsOptions } from './gateway-parts.ts';

const QUERY_TIMEOUT_MS = 2_000;

export const driverAlertsGatewayPart = (options: GatewayPartsOptions): GatewayPart => {
  const { config, database, readModel, alertPlaces: places, clock, logger } = options;
  return driverAlertsPart(
    new DriverAlerts({
      ...{ store: ALERTS_STORE, places, clock, logger },
      ask: queryThrough(`${config.processorUrl}${STREAMS_PATH}/alerts`, {
        apiKey: readingKey(config.processorApiKeys),
        timeoutMs: QUERY_TIMEOUT_MS,
      }),
      countOpen: (driverId) => countOpenAlerts(database, driverId),
      getAlert: (alertId) => readModel.getAlert(alertId),
    }),
  );
};
