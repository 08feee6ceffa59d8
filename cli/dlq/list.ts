/**
 * `alerts dlq list`: how many dead letters there are for which reason, and the newest of them.
 */
import type { CommandContext } from '../context.ts';
import { count, cut, table, time } from '../text.ts';
import { idText, passes, readable, type DeadLetter, type LetterFilter } from './dead-letter.ts';
import { eachLetter } from './letters.ts';

interface ReasonCount {
  readonly stage: string;
  readonly code: string;
  readonly topic: string;
  readonly letters: number;
}

interface LetterRow {
  readonly id: string;
  readonly failedAt: string | null;
  readonly stage: string;
  readonly code: string;
  readonly source: string;
  readonly key: string | null;
  readonly message: string;
}

const MESSAGE_WIDTH = 100;

export async function listLetters(context: CommandContext, options: LetterFilter & { limit: number }): Promise<void> {
  const services = await context.services();
  const reasons = new Map<string, ReasonCount>();
  const newest: LetterRow[] = [];
  await eachLetter(services, (letter) => {
    if (!passes(letter, options)) return;
    const { stage, code } = letter.errors;
    const topic = letter.source?.topic ?? '';
    const key = JSON.stringify([stage, code, topic]);
    reasons.set(key, { stage, code, topic, letters: (reasons.get(key)?.letters ?? 0) + 1 });
    newest.push(rowOf(letter));
    if (newest.length > options.limit) newest.shift();
  });
  newest.reverse();
  const counts = [...reasons.values()].sort((one, other) => other.letters - one.letters);
  const total = counts.reduce((sum, { letters }) => sum + letters, 0);
  context.show({ total, reasons: counts, letters: newest }, () =>
    total === 0 ? 'There are no such dead letters.' : `${reasonTable(counts)}\n\n${letterTable(newest)}`,
  );
}

function rowOf({ id, errors, source, key }: DeadLetter): LetterRow {
  const { timestampMs, stage, code, message } = errors;
  return {
    id: idText(id),
    failedAt: timestampMs === undefined ? null : time(timestampMs),
    stage,
    code,
    source: source === undefined ? '' : `${source.topic}-${source.partition}@${source.offset}`,
    key: readable(key),
    message,
  };
}

const reasonTable = (counts: readonly ReasonCount[]): string =>
  table(
    ['letters', 'stage', 'code', 'from'],
    counts.map(({ letters, stage, code, topic }) => [count(letters), stage, code, topic]),
    ['letters'],
  );

const letterTable = (rows: readonly LetterRow[]): string =>
  table(
    ['id', 'failed', 'stage', 'code', 'from', 'key', 'message'],
    rows.map(({ id, failedAt, stage, code, source, key, message }) => [
      ...[id, failedAt ?? '-', stage, code, source, cut(key ?? '-', 32), cut(message, MESSAGE_WIDTH)],
    ]),
  );
