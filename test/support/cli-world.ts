/**
 * Runs `alerts` commands in this process, as from a terminal that is none.
 */
import { runCli } from '../../cli/run.ts';
import type { Environment } from '../../connectors/config/settings.ts';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const piece = async function* (text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
};

/** `stdin`: what is piped into the command. */
export async function runAlerts(
  environment: Environment,
  args: readonly string[],
  stdin = '',
  signal = new AbortController().signal,
): Promise<CommandResult> {
  const said = { stdout: '', stderr: '' };
  const output = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const exitCode = await runCli(args, {
    environment,
    stdin: piece(stdin),
    stdout: output('stdout'),
    stderr: output('stderr'),
    interrupts: () => signal,
  });
  return { exitCode, ...said };
}
