/**
 * Runs one `alerts` command.
 *
 * Invariant: however the command ends, its services are closed, and what went wrong is said once, on standard error.
 */
import { Command } from 'commander';
import { createReporter, type Output, type Reporter } from '../infra/local-stack/report.ts';
import type { Action, CommandContext, Host } from './context.ts';
import { EXIT_CODES, exitCodeOf, messageFor, type ExitCode } from './exit-codes.ts';
import { addCommands } from './program.ts';
import type { Services } from './services.ts';

/** Resolves with the exit code. `args` are those after the command's own name. */
export async function runCli(args: readonly string[], host: Host): Promise<ExitCode> {
  const reporter = new ClearingReporter(host.stderr);
  let exitCode: ExitCode = EXIT_CODES.ok;
  const action: Action =
    (handler) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      const context = new RunningCommand(host, reporter, command.optsWithGlobals<{ json?: boolean }>().json === true);
      try {
        exitCode = (await handler(context, ...(given.slice(0, -1) as never))) ?? EXIT_CODES.ok;
      } finally {
        await context.close();
      }
    };
  const program = new Command('alerts').exitOverride().configureOutput({
    writeOut: (text) => void host.stdout.write(text),
    writeErr: (text) => void host.stderr.write(text),
  });
  addCommands(program, action);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    const message = messageFor(error);
    if (message !== undefined) reporter.line(message);
    return exitCodeOf(error);
  }
}

const ERASE_LINE = '\r\u001b[2K';

/** Takes its passing note off the terminal before something else is written there. */
class ClearingReporter implements Reporter {
  readonly #output: Output;
  readonly #reporter: Reporter;
  #noteShown = false;

  constructor(output: Output) {
    this.#output = output;
    this.#reporter = createReporter(output);
  }

  line(text: string): void {
    this.#reporter.line(text);
    this.#noteShown = false;
  }

  progress(text: string): void {
    this.#reporter.progress(text);
    this.#noteShown = this.#output.isTTY === true;
  }

  clear(): void {
    if (this.#noteShown) this.#output.write(ERASE_LINE);
    this.#noteShown = false;
  }
}

class RunningCommand implements CommandContext {
  readonly environment: CommandContext['environment'];
  readonly stdout: CommandContext['stdout'];
  readonly stderr: CommandContext['stderr'];
  readonly stdin: CommandContext['stdin'];
  readonly reporter: ClearingReporter;
  readonly json: boolean;
  readonly #host: Host;
  #services: Services | undefined;

  constructor(host: Host, reporter: ClearingReporter, json: boolean) {
    this.#host = host;
    this.environment = host.environment;
    this.stdout = host.stdout;
    this.stderr = host.stderr;
    this.stdin = host.stdin;
    this.reporter = reporter;
    this.json = json;
  }

  interrupts(): AbortSignal {
    return this.#host.interrupts();
  }

  /** Loaded when it is needed: the clients behind it take longer to load than most of what does without them takes to run. */
  async services(): Promise<Services> {
    const { Services } = await import('./services.ts');
    this.#services ??= new Services(this.environment, this.stderr);
    return this.#services;
  }

  show(result: unknown, text: () => string): void {
    this.reporter.clear();
    this.stdout.write(`${this.json ? JSON.stringify(result, undefined, 2) : text()}\n`);
  }

  async close(): Promise<void> {
    await this.#services?.close();
  }
}
