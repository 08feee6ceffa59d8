/**
 * What a command is given: where to speak, the environment, the services, and whether somebody wants it to end.
 *
 * Invariant: standard output carries the command's result and nothing else, as text or, with `--json`, as JSON; everything said
 * on the way goes to standard error.
 */
import type { Environment } from '../connectors/config/settings.ts';
import type { Output, Reporter } from '../infra/local-stack/report.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Services } from './services.ts';

/** The process around the command. */
export interface Host {
  readonly environment: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Aborts at Ctrl-C. As long as no command asks for it, Ctrl-C ends the process as usual. */
  interrupts(): AbortSignal;
}

export interface CommandContext extends Host {
  readonly json: boolean;
  /** Sentences and progress, on standard error. */
  readonly reporter: Reporter;
  /** The same every time; closed when the command has ended. Rejects with `ConfigError`. */
  services(): Promise<Services>;
  /** Prints the result: the value with `--json`, else the text. */
  show(result: unknown, text: () => string): void;
}

/** A command's work, given what the command line holds: its arguments in order, then its options. Nothing answered means done. */
export type Handler<Args extends readonly unknown[]> = (
  context: CommandContext,
  ...args: Args
) => Promise<ExitCode | void>;

/** Makes a handler the action of a command. */
export type Action = <Args extends readonly unknown[]>(
  handler: Handler<Args>,
) => (...given: unknown[]) => Promise<void>;
