/**
 * `alerts dlq replay`: sends dead letters back to where they came from.
 *
 * Invariant: a letter goes back as the record that failed was, to the very partition it came from; it stays in the dead letters.
 */
import type { LogProducer, ProducedRecord } from '../../streams/ports.ts';
import type { CommandContext } from '../context.ts';
import { EXIT_CODES, interruption, usageError, type ExitCode } from '../exit-codes.ts';
import { plural } from '../text.ts';
import { passes, type DeadLetter, type LetterFilter, type LetterId } from './dead-letter.ts';
import { eachLetter, oneLetter } from './letters.ts';

/** Exit code 1 when a letter does not say where it came from. */
export async function replayLetters(
  context: CommandContext,
  ids: readonly LetterId[],
  options: LetterFilter & { all?: boolean },
): Promise<ExitCode> {
  const all = options.all === true;
  if (all === ids.length > 0) throw usageError('Give ids, or --all with or without filters.');
  const services = await context.services();
  const sender = new LetterSender(services.producer, (sent) => context.reporter.progress(`${letters(sent)} sent back`));
  const signal = context.interrupts();
  const take = async (letter: DeadLetter): Promise<void> => {
    if (!signal.aborted && passes(letter, options)) await sender.take(letter);
  };
  if (all) await eachLetter(services, take, signal);
  else for (const id of ids) await take(await oneLetter(services, id));
  await sender.flush();
  if (signal.aborted) throw interruption(`Interrupted after ${letters(sender.sent)} had been sent back.`);
  const { sent, withoutSource } = sender;
  context.show({ sent, withoutSource }, () => {
    const left = withoutSource === 0 ? '' : `; ${letters(withoutSource)} left, which do not say where they came from`;
    return `${letters(sent)} sent back${left}.`;
  });
  return withoutSource === 0 ? EXIT_CODES.ok : EXIT_CODES.failed;
}

const letters = (number: number): string => plural(number, 'letter');

/** Undefined for a letter that does not say where it came from. */
export function originalRecord({ source, key, value, headers }: DeadLetter): ProducedRecord | undefined {
  if (source === undefined || !Number.isInteger(source.partition)) return undefined;
  return { topic: source.topic, partition: source.partition, key, value, headers };
}

const MAX_WAITING = 500;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

class LetterSender {
  sent = 0;
  withoutSource = 0;
  readonly #producer: Pick<LogProducer, 'send'>;
  readonly #onSent: (sent: number) => void;
  #waiting: ProducedRecord[] = [];
  #waitingBytes = 0;

  constructor(producer: Pick<LogProducer, 'send'>, onSent: (sent: number) => void) {
    this.#producer = producer;
    this.#onSent = onSent;
  }

  async take(letter: DeadLetter): Promise<void> {
    const record = originalRecord(letter);
    if (record === undefined) {
      this.withoutSource += 1;
      return;
    }
    this.#waiting.push(record);
    this.#waitingBytes += letter.value?.byteLength ?? 0;
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#waiting.length > 0) await this.#producer.send(this.#waiting);
    this.sent += this.#waiting.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#onSent(this.sent);
  }
}
