/**
 * Takes what kafkajs logs into the program's logger.
 *
 * kafkajs calls an error what its caller may be handling: a closed connection, a refused one. This client retries and
 * reports those itself, so errors and warnings of kafkajs come out as warnings, at most one of a kind in ten seconds.
 */
import type { Logger } from '../../streams/ports.ts';
import { createKafkaJsLogger, type KafkaJsLogEntry, type KafkaJsLogger } from './kafkajs-internals.ts';

const ERROR_OR_WARNING = 2;
const REPEAT_AFTER_MS = 10_000;
const MAX_KINDS = 100;

export const bridgeLogger = (logger: Logger): KafkaJsLogger => createKafkaJsLogger(entrySink(logger));

export const entrySink = (logger: Logger, now: () => number = Date.now): ((entry: KafkaJsLogEntry) => void) => {
  const lastLoggedAt = new Map<string, number>();
  return ({ namespace, level, log }) => {
    const { message, ...details } = log;
    const fields = { component: `kafkajs ${namespace}`, broker: details['broker'] };
    if (level > ERROR_OR_WARNING) {
      logger.debug(message, fields);
      return;
    }
    const at = now();
    if (at - (lastLoggedAt.get(message) ?? -Infinity) < REPEAT_AFTER_MS) return;
    if (lastLoggedAt.size >= MAX_KINDS) lastLoggedAt.clear();
    lastLoggedAt.set(message, at);
    logger.warn(message, fields);
  };
};
