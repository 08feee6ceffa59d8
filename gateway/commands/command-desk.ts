/**
 * Sends commands to the log and waits for what the processor committed about them.
 *
 * Invariant: an answer is the committed result of this very command. Without one in time the caller gets an error that says that the
 * outcome is unknown; nothing is ever guessed.
 */
import { type Clock, type LogProducer, type Serializer, topicPartitionKey } from '../../connectors/log.ts';
import type { CommandResult } from '../../schemas/command-result.ts';
import { ApiError, unavailable } from '../http/api-error.ts';
import type { ResultTail } from './result-tail.ts';

export interface CommandDeskOptions<C> {
  readonly topic: string;
  readonly producer: LogProducer;
  readonly commands: Serializer<C>;
  readonly tail: ResultTail;
  readonly clock: Clock;
  /** Longest wait for the log and the processor together, in milliseconds. */
  readonly timeoutMs: number;
}

export interface Address {
  readonly key: string;
  /** Left out: the key decides. */
  readonly partition?: number;
}

const HTTP_STATUS: Readonly<Record<string, number>> = {
  INCIDENT_NOT_FOUND: 404,
  ALERT_NOT_FOUND: 404,
  INVALID_STATUS_TRANSITION: 400,
  INVALID_COMMAND: 400,
  VERSION_CONFLICT: 409,
};

const refusal = ({ code, message, details }: CommandResult): ApiError =>
  new ApiError(HTTP_STATUS[code] ?? 409, code, message ?? 'The command was refused.', {
    details: JSON.parse(details) as Readonly<Record<string, unknown>>,
  });

export class CommandDesk<C extends { readonly commandId: string }> {
  readonly #options: CommandDeskOptions<C>;
  /** The offset after the last command that was answered, by partition. */
  readonly #seen = new Map<number, number>();

  constructor(options: CommandDeskOptions<C>) {
    this.#options = options;
  }

  get partitions(): number {
    return this.#options.tail.partitions;
  }

  /** The position of the commands that a reader of that partition's state must have reached to see what was answered here. */
  seenOf(partition: number): Readonly<Record<string, number>> {
    const offset = this.#seen.get(partition);
    return offset === undefined ? {} : { [topicPartitionKey({ topic: this.#options.topic, partition })]: offset };
  }

  /** Resolves with a result that is not a refusal. Rejects with an `ApiError`: of the refusal, or 503. */
  async carryOut(command: C, address: Address): Promise<CommandResult> {
    const { tail, clock, timeoutMs } = this.#options;
    if (tail.partitions === 0) {
      throw unavailable('COMMANDS_UNAVAILABLE', 'Results cannot be read at the moment; nothing was sent.', 2);
    }
    const waiter = tail.register(command.commandId);
    if (waiter === undefined) throw unavailable('TOO_MANY_WAITING', 'Too many wait for results; nothing was sent.', 1);
    const done = new AbortController();
    try {
      const sent = this.#send(command, address);
      const late = clock.sleep(timeoutMs, done.signal).then(() => new Error(`no result within ${timeoutMs} ms`));
      const outcome = await Promise.race([waiter.result, sent.failed, late]);
      if (outcome instanceof Error) throw notConfirmed(outcome);
      // The log took the command before anybody could carry it out, but its answer to this process may come after the result.
      await Promise.race([sent.placed, late]);
      if (outcome.outcome === 'REFUSED') throw refusal(outcome);
      return outcome;
    } finally {
      done.abort('over');
      waiter.release();
    }
  }

  /** `failed` resolves only with a failure, `placed` once the log has answered; neither rejects. */
  #send(command: C, { key, partition }: Address): { readonly failed: Promise<Error>; readonly placed: Promise<void> } {
    const { producer, topic, commands } = this.#options;
    const value = commands.serialize(topic, command);
    const record = { topic, key: Buffer.from(key), value: value && Uint8Array.from(value) };
    const failed = Promise.withResolvers<Error>();
    const placed = producer
      .send([{ ...record, ...(partition !== undefined && { partition }) }])
      .then(([place]) => {
        if (place !== undefined)
          this.#seen.set(place.partition, Math.max(this.#next(place.partition), place.offset + 1));
      })
      .catch((error: unknown) => failed.resolve(error instanceof Error ? error : new Error(String(error))));
    return { failed: failed.promise, placed };
  }

  #next(partition: number): number {
    return this.#seen.get(partition) ?? 0;
  }
}

const notConfirmed = (cause: Error): ApiError =>
  unavailable(
    'COMMAND_NOT_CONFIRMED',
    'Whether the command was carried out is not known. Look at its subject before you send it again.',
    2,
    { cause },
  );
