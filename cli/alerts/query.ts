/**
 * `alerts query`: the alerts of a driver, from the read model.
 */
import { openReadModel } from '../../sink/read-model.ts';
import type { CommandContext } from '../context.ts';
import { table, time } from '../text.ts';

export interface QueryOptions {
  readonly status?: string;
  readonly sourceType?: string;
  readonly limit: number;
}

export async function query(context: CommandContext, driverId: string, options: QueryOptions): Promise<void> {
  const { database } = await context.services();
  const { status, sourceType, limit } = options;
  const page = await openReadModel(database).listAlerts({ driverId, status, sourceType }, undefined, limit);
  const more = page.nextCursor !== undefined;
  context.show({ driverId, alerts: page.alerts, more }, () =>
    [
      table(
        ['happened', 'alert', 'source', 'severity', 'status', 'since'],
        page.alerts.map((alert) => [
          ...[time(alert.createdAtMs), alert.alertId, alert.sourceType],
          ...[alert.severity, alert.status, time(alert.timestampMs)],
        ]),
      ),
      ...(page.alerts.length === 0 ? [`${driverId} has no such alerts.`] : []),
      ...(more ? [`There are more; --limit shows up to 1000.`] : []),
    ].join('\n'),
  );
}
