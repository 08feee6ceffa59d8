/**
 * The programs that dump and load a database: those of the local stack, else those on the PATH.
 *
 * Invariant: the password reaches a program through a file that only this user can read, never through its arguments or its
 * environment, where others could see it.
 */
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Environment } from '../../connectors/config/settings.ts';
import { parseMysqlUrl } from '../../connectors/mysql/connection-options.ts';
import { artefacts, mariadbBase } from '../../infra/local-stack/artefacts.ts';
import { readSettings } from '../../infra/local-stack/settings.ts';
import { failure } from '../exit-codes.ts';

type Flavour = 'mariadb' | 'mysql';

export interface DatabaseTool {
  readonly path: string;
  readonly flavour: Flavour;
}

/** In order of preference. */
const NAMES = {
  dump: { 'mariadb-dump': 'mariadb', mysqldump: 'mysql' },
  load: { mariadb: 'mariadb', mysql: 'mysql' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Flavour>>>>;

/** Throws when there is none. */
export function findTool(purpose: keyof typeof NAMES, environment: Environment): DatabaseTool {
  const { cacheDir } = readSettings(environment, process.cwd());
  const ofStack = join(cacheDir, artefacts.mysql.folder, mariadbBase, 'bin');
  const folders = [ofStack, ...(environment['PATH'] ?? '').split(delimiter)].filter((folder) => folder !== '');
  for (const [name, flavour] of Object.entries(NAMES[purpose]) as [string, Flavour][]) {
    const path = folders.map((folder) => join(folder, name)).find(isProgram);
    if (path !== undefined) return { path, flavour };
  }
  throw failure(
    `None of ${Object.keys(NAMES[purpose]).join(', ')} was found: install MariaDB’s or MySQL’s client programs, or start the local ` +
      'stack from binaries once, which brings them along.',
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs the work with the arguments that connect a tool to the database, the database's name last. */
export async function withConnection<T>(
  url: string,
  { flavour }: DatabaseTool,
  work: (connect: readonly string[], database: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'alerts-database-'));
  try {
    const file = join(folder, 'client.cnf');
    await writeFile(file, optionFile(url, flavour), { mode: 0o600 });
    return await work([`--defaults-file=${file}`], parseMysqlUrl(url).database);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the address says, in the form of an option file. */
export function optionFile(url: string, flavour: Flavour): string {
  const { host, port, user, password } = parseMysqlUrl(url);
  const lines = ['[client]', 'protocol=tcp', `host=${quoted(host)}`, `port=${port}`, `user=${quoted(user)}`];
  return `${[...lines, `password=${quoted(password)}`, ...tlsOptions(url, flavour)].join('\n')}\n`;
}

const quoted = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

function tlsOptions(url: string, flavour: Flavour): readonly string[] {
  const parameters = new URL(url).searchParams;
  const ca = parameters.get('ssl-ca');
  const mode = parameters.get('ssl-mode')?.toUpperCase() ?? (ca === null ? 'DISABLED' : 'VERIFY_CA');
  const caOption = ca === null ? [] : [`ssl-ca=${quoted(ca)}`];
  if (flavour === 'mysql') return [`ssl-mode=${mode}`, ...caOption];
  if (mode === 'DISABLED') return ['skip-ssl'];
  // MariaDB's programs check the name along with the chain, which is more than VERIFY_CA asks for.
  return mode === 'REQUIRED' ? ['ssl', 'skip-ssl-verify-server-cert'] : ['ssl', 'ssl-verify-server-cert', ...caOption];
}
