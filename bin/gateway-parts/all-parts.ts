/**
 * All parts of a gateway besides the driver alerts.
 */
import { notificationsPart } from '../../gateway/notifications/notifications-part.ts';
import type { GatewayPart } from '../../gateway/part.ts';
import { driverAlertsGatewayPart } from './driver-alerts.ts';
import type { GatewayPartsOptions } from './gateway-parts.ts';
import { incidentsGatewayPart } from './incidents.ts';
import { logsGatewayPart } from './logs.ts';

/** Rejects when the registry is away. */
export const allGatewayParts = async (options: GatewayPartsOptions): Promise<readonly GatewayPart[]> => {
  const logs = await logsGatewayPart(options);
  return [
    driverAlertsGatewayPart(options),
    logs,
    await incidentsGatewayPart(options, () => logs.alertedServices()),
    notificationsPart(options),
  ];
};
