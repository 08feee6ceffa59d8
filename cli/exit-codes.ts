/**
 * What a command's exit code says.
 *
 * Invariant: every way a command can end has one code, told by the error that ended it, so that scripts can rely on it.
 */
import { CommanderError } from 'commander';
import { ConfigError } from '../connectors/config/settings.ts';
import { StackFailure } from '../infra/local-stack/stack-failure.ts';
import { InvalidRulesError } from '../processors/rules.ts';
import { StreamsError } from '../streams/errors.ts';

export const EXIT_CODES = {
  /** Done; or the answer is yes. */
  ok: 0,
  /** Failed; or the answer is no: not healthy, not found. */
  failed: 1,
  /** The command line, a file or a setting cannot be used. */
  usage: 2,
  /** A service is away; nothing is wrong with the command, try it again. */
  unavailable: 3,
  /** It would change what must not be changed like this; nothing was done. */
  refused: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** Ends the command with a sentence for the operator. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

export const failure = (message: string): CommandError => new CommandError(EXIT_CODES.failed, message);
export const usageError = (message: string): CommandError => new CommandError(EXIT_CODES.usage, message);
export const refusal = (message: string): CommandError => new CommandError(EXIT_CODES.refused, message);
export const interruption = (message: string): CommandError => new CommandError(EXIT_CODES.interrupted, message);

const isUsage = (error: unknown): boolean => error instanceof ConfigError || error instanceof InvalidRulesError;

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  if (isUsage(error)) return EXIT_CODES.usage;
  return error instanceof StreamsError && error.recovery === 'retry' ? EXIT_CODES.unavailable : EXIT_CODES.failed;
}

/** What is said about an error; undefined where the command line's parser has said it. A fault of the program keeps its stack. */
export function messageFor(error: unknown): string | undefined {
  if (error instanceof CommanderError) return undefined;
  if (!(error instanceof Error)) return String(error);
  const forOperator =
    isUsage(error) || error instanceof CommandError || error instanceof StreamsError || error instanceof StackFailure;
  return forOperator ? error.message : (error.stack ?? error.message);
}
