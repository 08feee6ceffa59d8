/**
 * The settings of the notifier: what it may reach, and how.
 *
 * Invariant: no channel reaches a network that is not public unless the operator names it here.
 */
import { addressPolicy } from '../notifications/address-policy.ts';
import { PROCESS_SETTINGS } from './processes.ts';
import {
  type Environment,
  integer,
  optional,
  port,
  readSettings,
  secretText,
  text,
  type ValuesOf,
  withDefault,
} from './settings.ts';

const allowedNetworks = {
  name: 'NOTIFIER_ALLOWED_NETWORKS',
  meaning: 'networks that channels may reach though they are private, link-local or this machine',
  allowed: 'networks such as 10.1.0.0/16, separated by commas',
  parse: (given: string): readonly string[] | undefined => {
    const networks = given.split(',').flatMap((network) => network.trim() || []);
    return addressPolicy(networks) === undefined ? undefined : networks;
  },
};

const smtpUrl = {
  ...secretText('SMTP_URL', 'the mail server for channels of type email; without it those fail'),
  allowed: 'an address such as smtps://user:password@mail.example.com:465',
  parse: (given: string): string | undefined =>
    URL.canParse(given) && /^smtps?:\/\/[^/]/.test(given) ? given : undefined,
};

const pagerdutyUrl = {
  ...text('PAGERDUTY_URL', 'where events for PagerDuty go'),
  allowed: 'an address of HTTP',
  parse: (given: string): string | undefined =>
    URL.canParse(given) && /^https?:\/\/[^/]/.test(given) ? given : undefined,
};

export const NOTIFIER_SETTINGS = {
  ...PROCESS_SETTINGS,
  port: withDefault(port('NOTIFIER_PORT', 'port of the notifier for health and metrics'), '4003'),
  allowedNetworks: withDefault(allowedNetworks, ''),
  timeoutMs: withDefault(integer('NOTIFIER_TIMEOUT_MS', 'time for one attempt on one channel', 100, 60_000), '5000'),
  maxAttempts: withDefault(
    integer('NOTIFIER_MAX_ATTEMPTS', 'attempts that reach a channel and fail before a notification is given up', 1, 50),
    '10',
  ),
  smtpUrl: optional(smtpUrl),
  smtpFrom: withDefault(text('SMTP_FROM', 'sender of the messages of email channels'), 'alerts@localhost'),
  pagerdutyUrl: withDefault(pagerdutyUrl, 'https://events.pagerduty.com/v2/enqueue'),
};
export type NotifierConfig = ValuesOf<typeof NOTIFIER_SETTINGS>;

/** Throws `ConfigError`. */
export const readNotifierConfig = (environment: Environment): NotifierConfig =>
  readSettings(NOTIFIER_SETTINGS, environment);
