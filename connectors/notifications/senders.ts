/**
 * A sender for each type of channel.
 */
import type { ChannelType } from '../../schemas/notification.ts';
import { type EmailOptions, emailSender } from './email-sender.ts';
import { type HttpSenderOptions, pagerdutySender, slackSender, webhookSender } from './http-senders.ts';
import type { Sender } from './sender.ts';

export type Senders = Readonly<Record<ChannelType, Sender>>;

export const createSenders = (options: HttpSenderOptions & EmailOptions): Senders => ({
  webhook: webhookSender(options),
  slack: slackSender(options),
  pagerduty: pagerdutySender(options),
  email: emailSender(options),
});
