/**
 * `alerts produce`: sends alerts as Avro to the raw alerts topic.
 *
 * Invariant: an alert counts as sent once all replicas have it. What was sent before a failure is told, so that the rest can be
 * sent again.
 */
import type { LogProducer, ProducedRecord } from '../../streams/ports.ts';
import type { RawAlert } from '../../schemas/raw-alert.ts';
import type { Serializer } from '../../streams/serde.ts';
import type { CommandContext } from '../context.ts';
import { EXIT_CODES, interruption, type ExitCode } from '../exit-codes.ts';
import { plural } from '../text.ts';
import { formatOf, openInput, readAlerts, type Input, type InputFormat } from './input.ts';

export interface ProduceOptions {
  readonly format?: InputFormat;
}

export interface Produced {
  readonly sent: number;
  /** Lines that were left out. */
  readonly refused: number;
  /** The first of them. */
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
}

export interface ProduceTarget {
  readonly topic: string;
  readonly serializer: Serializer<RawAlert>;
  readonly producer: Pick<LogProducer, 'send'>;
  readonly nowMs: () => number;
  readonly onProgress: (sent: number, refused: number) => void;
  readonly signal: AbortSignal;
}

const BATCH = 1_000;
const MAX_PROBLEMS = 20;

/** Exit code 1 when a line was left out. */
export async function produce(context: CommandContext, file: string, options: ProduceOptions): Promise<ExitCode> {
  const { reporter } = context;
  const services = await context.services();
  const input = counted(await openInput(file, context.stdin));
  const produced = await produceAll(input.bytes, options.format ?? formatOf(file), {
    topic: services.topics.rawAlerts,
    serializer: await services.rawAlertSerde(),
    producer: services.producer,
    nowMs: () => Date.now(),
    signal: context.interrupts(),
    onProgress: (sent) => {
      const share =
        input.size === undefined ? '' : ` (${Math.floor((100 * input.read()) / Math.max(1, input.size))} %)`;
      reporter.progress(`${plural(sent, 'alert')} sent${share}`);
    },
  });
  for (const { line, problem } of produced.problems) reporter.line(`line ${line}: ${problem}`);
  context.show(produced, () => {
    const refused = produced.refused === 0 ? '' : `; ${plural(produced.refused, 'line')} left out`;
    return `${plural(produced.sent, 'alert')} sent${refused}`;
  });
  return produced.refused === 0 ? EXIT_CODES.ok : EXIT_CODES.failed;
}

/** Rejects when sending fails or the signal aborts, saying how many had been sent. */
export async function produceAll(
  bytes: AsyncIterable<Uint8Array>,
  format: InputFormat,
  target: ProduceTarget,
): Promise<Produced> {
  const problems: { line: number; problem: string }[] = [];
  let waiting: ProducedRecord[] = [];
  let sent = 0;
  let refused = 0;
  const flush = async (): Promise<void> => {
    if (target.signal.aborted) throw interruption(`Interrupted after ${plural(sent, 'alert')}.`);
    if (waiting.length > 0) await target.producer.send(waiting);
    sent += waiting.length;
    waiting = [];
    target.onProgress(sent, refused);
  };
  try {
    for await (const line of readAlerts(bytes, format, target.nowMs)) {
      if ('problem' in line) {
        refused += 1;
        if (problems.length < MAX_PROBLEMS) problems.push(line);
        continue;
      }
      waiting.push(recordOf(line.alert, target));
      if (waiting.length >= BATCH) await flush();
    }
    await flush();
  } catch (error) {
    if (error instanceof Error && sent > 0) error.message += ` (${plural(sent, 'alert')} had been sent)`;
    throw error;
  }
  return { sent, refused, problems };
}

function recordOf(alert: RawAlert, { topic, serializer }: ProduceTarget): ProducedRecord {
  const value = serializer.serialize(topic, alert);
  // The serializer may reuse its buffer for the next alert.
  return { topic, key: Buffer.from(alert.driverId), value: value && Uint8Array.from(value) };
}

function counted(input: Input): Input & { readonly read: () => number } {
  let read = 0;
  const count = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of input.bytes) {
      read += piece.byteLength;
      yield piece;
    }
  };
  return { size: input.size, bytes: count(), read: () => read };
}
