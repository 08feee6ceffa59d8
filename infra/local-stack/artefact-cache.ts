/**
 * The cache of downloaded binaries, shared by every stack. Invariant: a folder that carries its final name is complete; what
 * is being fetched has another name until then, and only one process fetches at a time.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artefacts } from './artefacts.ts';
import type { Archive, Artefact } from './artefacts.ts';
import { CommandMissing, describeExit, runCommand } from './child-process.ts';
import { waitForLock } from './lock.ts';
import { copyArtefact, copyDependencies, runMaven, unpackArtefact } from './maven.ts';
import type { Reporter } from './report.ts';
import type { ServiceName } from './settings.ts';
import { StackFailure } from './stack-failure.ts';

export interface CacheContext {
  readonly cacheDir: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

const lockTimeoutMs = 20 * 60_000;
const unpackTimeoutMs = 5 * 60_000;
const unfinishedPrefix = 'unfinished-';

/** The folder of a service's binaries, fetched first when it is not there. */
export async function ensureArtefact(service: ServiceName, context: CacheContext): Promise<string> {
  const { cacheDir, reporter, signal } = context;
  const artefact = artefacts[service];
  const folder = join(cacheDir, artefact.folder);
  if (existsSync(folder)) return folder;

  mkdirSync(cacheDir, { recursive: true });
  const lock = await waitForLock(join(cacheDir, 'download.lock'), {
    timeoutMs: lockTimeoutMs,
    signal,
    onWait: (owner) => reporter.progress(`Another start (process ${owner?.pid}) is downloading; waiting for it`),
  });
  if (lock === undefined) {
    throw new StackFailure(`Another start kept downloading into ${cacheDir} for too long; stop it and start again.`);
  }
  try {
    if (!existsSync(folder)) await fetchInto(folder, artefact, context);
    return folder;
  } finally {
    lock.release();
  }
}

async function fetchInto(folder: string, artefact: Artefact, context: CacheContext): Promise<void> {
  const { cacheDir, reporter } = context;
  removeUnfinished(cacheDir);
  reporter.line(`Fetching ${artefact.title} from Maven Central (once; it is kept in ${cacheDir})`);
  const began = performance.now();
  const staging = mkdtempSync(join(cacheDir, unfinishedPrefix));
  try {
    const contents = await fetchContents(artefact, staging, context);
    if (!existsSync(join(contents, artefact.proof))) {
      throw new StackFailure(
        `The download of ${artefact.title} lacks ${artefact.proof}; remove ${cacheDir} and start again.`,
      );
    }
    for (const programs of artefact.programs) makeExecutable(join(contents, programs));
    renameSync(contents, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  reporter.line(`Fetched ${artefact.title} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

async function fetchContents(artefact: Artefact, staging: string, context: CacheContext): Promise<string> {
  const { title, source } = artefact;
  const contents = join(staging, 'contents');
  mkdirSync(contents);
  const maven = (args: readonly string[]): Promise<void> =>
    runMaven({ title, args, cwd: staging }, context.reporter, context.signal);
  if (source.kind === 'jars') {
    writeFileSync(join(staging, 'pom.xml'), source.pom);
    await maven(['-f', 'pom.xml', ...copyDependencies('contents')]);
    return contents;
  }
  await maven(copyArtefact(source.coordinates, '.'));
  context.reporter.progress(`Unpacking ${title}`);
  const unpacked = await unpackQuickly(title, source, staging, context);
  // Maven unpacks everywhere, only several times more slowly.
  if (!unpacked) await maven(unpackArtefact(source.coordinates, 'contents'));
  return contents;
}

/** False when this machine lacks the program that unpacks this kind of archive. */
async function unpackQuickly(title: string, archive: Archive, cwd: string, context: CacheContext): Promise<boolean> {
  const { command, args, targetOption } = archive.unpackWith;
  try {
    const outcome = await runCommand(
      { command, args: [...args, archive.fileName, targetOption, 'contents'], cwd },
      { timeoutMs: unpackTimeoutMs, signal: context.signal },
    );
    if (outcome.code === 0) return true;
    throw new StackFailure(
      `${title} could not be unpacked (${command} ${describeExit(outcome)}): free disk space below ` +
        `${context.cacheDir} and start again.\n${outcome.output.trim()}`,
    );
  } catch (error) {
    if (error instanceof CommandMissing) return false;
    throw error;
  }
}

/** Removes what a killed download left; the lock is held, so nobody is using it. */
function removeUnfinished(cacheDir: string): void {
  for (const name of readdirSync(cacheDir)) {
    if (name.startsWith(unfinishedPrefix)) rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

function makeExecutable(folder: string): void {
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755);
}
