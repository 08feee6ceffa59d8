/**
 * What the notification API takes and shows.
 *
 * Invariant: no answer holds a secret, except the one that a webhook was just made with. The address of a Slack webhook and the
 * routing key of PagerDuty are secrets: who knows them can write there.
 */
import { isIP } from 'node:net';
import type { ChannelBreaker } from '../../notifications/channel-store.ts';
import type { QueuedNotification } from '../../notifications/notification-store.ts';
import type { ChannelType, NotificationChannel } from '../../schemas/notification.ts';

const isHttp = (target: string, protocols: RegExp): boolean => {
  const url = URL.parse(target);
  return url !== null && protocols.test(url.protocol) && url.username === '' && url.password === '';
};

const EMAIL = /^[^\s@,;<>"()\[\]\\:]+@([^\s@,;<>"()\[\]\\:]+)$/;

const PROBLEMS: Readonly<Record<ChannelType, (target: string) => string | undefined>> = {
  webhook: (target) => (isHttp(target, /^https?:$/) ? undefined : 'must be an http or https URL without credentials'),
  slack: (target) => (isHttp(target, /^https?:$/) ? undefined : 'must be the URL of an incoming webhook'),
  pagerduty: (target) => (/^[A-Za-z0-9]{20,64}$/.test(target) ? undefined : 'must be a routing key'),
  email: (target) => {
    const domain = EMAIL.exec(target)?.[1];
    return domain !== undefined && isIP(domain) === 0 && target.length <= 320 ? undefined : 'must be an email address';
  },
};

/** What is wrong with a target, in words that follow its name. */
export const targetProblem = (type: ChannelType, target: string): string | undefined => PROBLEMS[type](target);

const shownTarget = ({ type, target }: NotificationChannel): string => {
  if (type === 'slack') return `${URL.parse(target)?.origin ?? ''}/…`;
  if (type === 'pagerduty') return `…${target.slice(-4)}`;
  return target;
};

const instant = (ms: number): string => new Date(ms).toISOString();

export const channelBodyOf = (channel: NotificationChannel) => ({
  ...{ id: channel.id, name: channel.name, type: channel.type, target: shownTarget(channel) },
  ...{ fallbackId: channel.fallbackId, enabled: channel.enabled, createdAt: instant(channel.createdAtMs) },
});

export const notificationBodyOf = (notification: QueuedNotification) => {
  const { type, incidentId, service } = notification.content.payload;
  const { id, channelId, status, attempts, deliveredBy, lastError } = notification;
  return {
    ...{ id, channelId, type, incidentId, service, status, attempts, deliveredBy, lastError },
    nextAttemptAt: status === 'PENDING' ? instant(notification.nextAttemptAtMs) : null,
    createdAt: instant(notification.createdAtMs),
    updatedAt: instant(notification.updatedAtMs),
  };
};

export const breakerBodyOf = ({ channelId, name, type, state, sinceMs }: ChannelBreaker) => ({
  ...{ channelId, name, type, state, since: sinceMs === null ? null : instant(sinceMs) },
});
