/**
 * `alerts dlq show`: one dead letter whole.
 */
import type { LogRecord } from '../../streams/ports.ts';
import type { Serde } from '../../streams/serde.ts';
import { StreamsError } from '../../streams/errors.ts';
import type { CommandContext } from '../context.ts';
import type { Services } from '../services.ts';
import { time } from '../text.ts';
import { idText, readable, type DeadLetter, type LetterId } from './dead-letter.ts';
import { oneLetter } from './letters.ts';

/** The value as its topic's schema reads it, or why it cannot be read. */
type Decoded = { readonly value: unknown } | { readonly problem: string };

export async function showLetter(context: CommandContext, id: LetterId): Promise<void> {
  const services = await context.services();
  const letter = await oneLetter(services, id);
  const decoded = await decode(letter, services);
  const { errors, source, key, value } = letter;
  const headers = letter.headers.map(([name, bytes]) => [name, readable(bytes)] as const);
  const shown = {
    ...{ id: idText(id), errors, source: source ?? null, key: readable(key), headers },
    valueBytes: value?.byteLength ?? null,
    value: value === null ? null : Buffer.from(value).toString('base64'),
    decoded,
  };
  context.show(shown, () => textOf(letter, headers, decoded));
}

async function decode(letter: DeadLetter, services: Services): Promise<Decoded> {
  const topic = letter.source?.topic;
  const serde = await serdeOf(topic, services);
  if (topic === undefined || serde === undefined) return { problem: 'the schema of its topic is not known here' };
  const { key, value, headers } = letter;
  const record: LogRecord = { offset: letter.id.offset, timestampMs: 0, key, value, headers };
  try {
    await serde.prepare?.(topic, [record]);
    return { value: serde.deserialize(topic, value, headers) };
  } catch (error) {
    if (!(error instanceof StreamsError) || error.recovery !== 'skip-record') throw error;
    return { problem: error.message };
  }
}

async function serdeOf(topic: string | undefined, services: Services): Promise<Serde<unknown> | undefined> {
  const { rawAlerts, alertEvents, alertRules } = services.topics;
  if (topic === rawAlerts) return services.rawAlertSerde();
  if (topic === alertEvents) return services.lifecycleEventSerde();
  return topic === alertRules ? services.alertRuleSerde() : undefined;
}

function textOf(
  { id, errors, source, key, value }: DeadLetter,
  headers: readonly (readonly [string, string | null])[],
  decoded: Decoded,
): string {
  const failed = errors.timestampMs === undefined ? '-' : time(errors.timestampMs);
  const bytes = value === null ? 'none' : `${value.byteLength} bytes, base64: ${Buffer.from(value).toString('base64')}`;
  return [
    `letter   ${idText(id)}`,
    `failed   ${failed} in ${errors.application || '-'}, stage ${errors.stage || '-'}`,
    `error    ${errors.exception} ${errors.code}`,
    `         ${errors.message}`,
    `from     ${source === undefined ? '-' : `${source.topic}, partition ${source.partition}, offset ${source.offset}`}`,
    `key      ${readable(key) ?? 'none'}`,
    ...headers.map(([name, text]) => `header   ${name}: ${text}`),
    `value    ${bytes}`,
    'value' in decoded ? `decoded  ${JSON.stringify(decoded.value, undefined, 2)}` : `decoded  no: ${decoded.problem}`,
  ].join('\n');
}
