/**
 * A record of the dead-letters topic taken apart: the original record, and why it is there.
 *
 * Invariant: the original is exactly what the failed record was: key, value and headers without those that the failure added.
 */
import type { LogRecord } from '../../streams/ports.ts';
import type { HeaderList } from '../../streams/record.ts';

export interface LetterId {
  readonly partition: number;
  readonly offset: number;
}

/** Why a record is a dead letter; empty texts where it does not say. */
export interface LetterErrors {
  readonly exception: string;
  readonly message: string;
  readonly code: string;
  readonly stage: string;
  readonly application: string;
  /** When it failed; undefined where that is not said. UTC epoch milliseconds. */
  readonly timestampMs: number | undefined;
}

export interface DeadLetter {
  readonly id: LetterId;
  readonly errors: LetterErrors;
  /** Where it came from; undefined for a record that is no dead letter of ours. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number } | undefined;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: HeaderList;
}

export interface LetterFilter {
  readonly stage?: string;
  readonly code?: string;
  readonly topic?: string;
}

const PREFIX = '__streams.errors.';

const utf8 = new TextDecoder();

export function deadLetterOf(partition: number, record: LogRecord): DeadLetter {
  const { offset, key, value, headers = [] } = record;
  const about = new Map(
    headers
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, text]) => [name.slice(PREFIX.length), utf8.decode(text)]),
  );
  const text = (name: string): string => about.get(name) ?? '';
  const topic = text('topic');
  const failedMs = Number(text('timestamp'));
  return {
    id: { partition, offset },
    errors: {
      exception: text('exception'),
      message: text('message'),
      code: text('code'),
      stage: text('stage'),
      application: text('application'),
      timestampMs: about.has('timestamp') && Number.isFinite(failedMs) ? failedMs : undefined,
    },
    source: topic === '' ? undefined : { topic, partition: Number(text('partition')), offset: Number(text('offset')) },
    key,
    value,
    headers: headers.filter(([name]) => !name.startsWith(PREFIX)),
  };
}

export const passes = ({ errors, source }: DeadLetter, { stage, code, topic }: LetterFilter): boolean =>
  (stage === undefined || errors.stage === stage) &&
  (code === undefined || errors.code === code) &&
  (topic === undefined || source?.topic === topic);

export const idText = ({ partition, offset }: LetterId): string => `${partition}:${offset}`;

/** Bytes as text where they are UTF-8, else in base64. */
export function readable(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return `base64:${Buffer.from(bytes).toString('base64')}`;
  }
}
