/**
 * Prometheus and its tools for tests: those on the PATH; else Debian's packages, unpacked into the cache of downloads, which takes no
 * root; else the images of the compose file.
 *
 * Invariant: a machine that has none of the three fails the tests with a sentence that says so; nothing is skipped.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { dockerEngineAnswers } from '../../infra/local-stack/docker-services.ts';
import { waitForLock } from '../../infra/local-stack/lock.ts';
import { projectRoot, readSettings } from '../../infra/local-stack/settings.ts';
import { composeImage } from './compose-file.ts';

export type PrometheusTool = 'prometheus' | 'promtool' | 'amtool';

/** How a tool is run: a command and what goes before its own arguments. */
export interface ToolCommand {
  readonly command: string;
  readonly args: readonly string[];
}

const run = promisify(execFile);
const TOOLS: readonly PrometheusTool[] = ['prometheus', 'promtool', 'amtool'];
const PACKAGES = ['prometheus', 'prometheus-alertmanager'];
const FETCH_TIMEOUT_MS = 240_000;

const IMAGES: Readonly<Record<PrometheusTool, 'prometheus' | 'alertmanager'>> = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  amtool: 'alertmanager',
};

const onPath = (tool: PrometheusTool): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, tool))
    .find((file) => existsSync(file));

/** The folder of the programs in Debian's packages, fetched once for every test run on this machine. */
const fromDebian = async (): Promise<string> => {
  const { cacheDir } = readSettings(process.env, process.cwd());
  const folder = join(cacheDir, 'prometheus-debian');
  const programs = join(folder, 'usr', 'bin');
  if (existsSync(programs)) return programs;
  mkdirSync(cacheDir, { recursive: true });
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const lock = await waitForLock(join(cacheDir, 'prometheus.lock'), {
    ...{ timeoutMs: FETCH_TIMEOUT_MS, signal },
    onWait: () => undefined,
  });
  if (lock === undefined) throw new Error(`Another run kept fetching Prometheus into ${cacheDir} for too long.`);
  const staging = mkdtempSync(join(cacheDir, 'unfinished-prometheus-'));
  try {
    if (!existsSync(programs)) {
      await fetchPackages(staging, signal);
      renameSync(join(staging, 'contents'), folder);
    }
    return programs;
  } finally {
    rmSync(staging, { recursive: true, force: true });
    lock.release();
  }
};

/** With package lists of its own where this machine has none, since those of the system are root's. */
const fetchPackages = async (staging: string, signal: AbortSignal): Promise<void> => {
  const options = { cwd: staging, signal };
  try {
    await run('apt-get', ['download', ...PACKAGES], options);
  } catch {
    mkdirSync(join(staging, 'lists', 'partial'), { recursive: true });
    mkdirSync(join(staging, 'cache', 'archives', 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::lists=${join(staging, 'lists')}`, '-o', `Dir::Cache=${join(staging, 'cache')}`];
    await run('apt-get', [...own, '-o', 'Debug::NoLocking=1', 'update'], options);
    await run('apt-get', [...own, 'download', ...PACKAGES], options);
  }
  for (const file of readdirSync(staging).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg', ['-x', file, 'contents'], options);
  }
};

const inContainer = (tool: PrometheusTool): ToolCommand => ({
  command: 'docker',
  args: [
    ...['run', '--rm', '--network', 'host', '--volume', `${projectRoot}:${projectRoot}`, '--workdir', projectRoot],
    ...['--volume', `${tmpdir()}:${tmpdir()}`, '--user', `${process.getuid?.() ?? 0}`, '--entrypoint', `/bin/${tool}`],
    composeImage(IMAGES[tool]),
  ],
});

const find = async (): Promise<Readonly<Record<PrometheusTool, ToolCommand>>> => {
  const own = TOOLS.map((tool) => [tool, onPath(tool)] as const);
  const commands = (of: (tool: PrometheusTool) => ToolCommand): Readonly<Record<PrometheusTool, ToolCommand>> => ({
    prometheus: of('prometheus'),
    promtool: of('promtool'),
    amtool: of('amtool'),
  });
  if (own.every(([, file]) => file !== undefined)) {
    const files = new Map(own);
    return commands((tool) => ({ command: files.get(tool) ?? tool, args: [] }));
  }
  const programs = await fromDebian().catch((error: unknown) => error);
  if (typeof programs === 'string') return commands((tool) => ({ command: join(programs, tool), args: [] }));
  if (await dockerEngineAnswers(process.env, AbortSignal.timeout(FETCH_TIMEOUT_MS))) return commands(inContainer);
  throw new Error(
    'These tests need Prometheus: put prometheus, promtool and amtool on the PATH, run on Debian, or start Docker.',
    { cause: programs },
  );
};

let found: Promise<Readonly<Record<PrometheusTool, ToolCommand>>> | undefined;

export const prometheusTools = (): Promise<Readonly<Record<PrometheusTool, ToolCommand>>> => (found ??= find());

/** Runs a tool in the project's folder. Rejects with what it said when it fails. */
export const runTool = async (tool: PrometheusTool, args: readonly string[]): Promise<string> => {
  const { command, args: before } = (await prometheusTools())[tool];
  try {
    const { stdout, stderr } = await run(command, [...before, ...args], { cwd: projectRoot, maxBuffer: 2 ** 24 });
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${tool} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? String(error)}`, { cause: error });
  }
};
