/**
 * The dead letters on the log.
 *
 * Invariant: what is walked over is what was there when the walk began, oldest first, and never more of it in memory than a fetch
 * brings.
 */
import type { LogReader, TopicPartition } from '../../streams/ports.ts';
import { failure } from '../exit-codes.ts';
import type { Services } from '../services.ts';
import { deadLetterOf, idText, type DeadLetter, type LetterId } from './dead-letter.ts';

type LetterLog = Pick<Services, 'admin' | 'reader' | 'topics'>;

/** Calls back with each letter, waiting for it before it goes on much further. */
export async function eachLetter(
  { admin, reader, topics }: LetterLog,
  onLetter: (letter: DeadLetter) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const partitions = (await admin.partitionCounts([topics.deadLetters])).get(topics.deadLetters) ?? 0;
  for (let partition = 0; partition < partitions && signal?.aborted !== true; partition++) {
    const at = { topic: topics.deadLetters, partition };
    const { beginning, end } = await reader.range(at);
    await readLetters(reader, at, beginning, end, onLetter, signal);
  }
}

/** Rejects when there is no letter of that id any more. */
export async function oneLetter({ reader, topics }: LetterLog, id: LetterId): Promise<DeadLetter> {
  const at = { topic: topics.deadLetters, partition: id.partition };
  const { beginning, end } = await reader.range(at);
  let found: DeadLetter | undefined;
  if (id.offset >= beginning && id.offset < end) {
    await readLetters(reader, at, id.offset, id.offset + 1, (letter) => {
      found = letter;
    });
  }
  if (found === undefined)
    throw failure(`There is no dead letter ${idText(id)}; "alerts dlq list" shows those there are.`);
  return found;
}

async function readLetters(
  reader: LogReader,
  at: TopicPartition,
  from: number,
  until: number,
  onLetter: (letter: DeadLetter) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  await reader.read(
    at,
    from,
    until,
    async ({ records }) => {
      for (const record of records) await onLetter(deadLetterOf(at.partition, record));
    },
    signal,
  );
}
