/**
 * Incident events on their way into the queue of notifications.
 *
 * Invariant [INV-NOTIFY-QUEUED]: the rows of an event and the position past it change together, so each event is queued for every
 * channel that was enabled then, once, whatever dies.
 */
import type { IncidentEvent } from '../schemas/incident-event.ts';
import type { SinkTables } from '../sink/ports.ts';
import { claimPosition } from '../sink/positions.ts';
import { ChannelStore } from './channel-store.ts';
import { contentOf, notificationId } from './notification.ts';
import { enqueue, type NewNotification } from './notification-store.ts';

const notificationsOf = (events: readonly IncidentEvent[], channelIds: readonly string[]): readonly NewNotification[] =>
  events.flatMap((event) => {
    const content = contentOf(event);
    if (content === undefined) return [];
    return channelIds.map((channelId) => ({
      ...{ id: notificationId(event.eventId, channelId), channelId, content, eventAtMs: event.timestamp },
    }));
  });

const problemWith = (event: IncidentEvent): string | undefined => {
  try {
    contentOf(event);
    return undefined;
  } catch {
    return 'it does not carry its incident';
  }
};

/** `now`: UTC epoch milliseconds. */
export const queueTables = (now: () => number): SinkTables<IncidentEvent> => ({
  nameOf: ({ eventId }) => eventId,
  problemWith,
  apply: (database, events, position) =>
    database.transaction(async (sql) => {
      await claimPosition(sql, position);
      const channels = (await new ChannelStore(sql).list()).filter(({ enabled }) => enabled);
      const notifications = notificationsOf(
        events,
        channels.map(({ id }) => id),
      );
      await enqueue(sql, notifications, now());
      return { notifications: notifications.length };
    }),
});
