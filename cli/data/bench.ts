/**
 * `alerts bench`: the benchmarks of the repository.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { projectRoot } from '../../infra/local-stack/settings.ts';
import type { CommandContext } from '../context.ts';
import { EXIT_CODES, failure, type ExitCode } from '../exit-codes.ts';

export async function bench(context: CommandContext, args: readonly string[]): Promise<ExitCode> {
  // The benchmarks get Ctrl-C from the terminal themselves; this process only waits for their end.
  context.interrupts();
  const child = spawn('npm', ['run', 'bench', '--', ...args], {
    cwd: projectRoot,
    env: { ...context.environment },
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code === null) throw failure('The benchmarks were ended by a signal.');
  return code === 0 ? EXIT_CODES.ok : EXIT_CODES.failed;
}
