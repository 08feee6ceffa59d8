/**
 * A MySQL-compatible server as one process. Invariant: its data folder carries its name only when it is fully installed,
 * and the database, its user and the user's rights are there before the first connection is taken.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { mariadbBase } from './artefacts.ts';
import { runCommand } from './child-process.ts';
import { mysqlAnswers } from './probes.ts';
import { projectRoot } from './settings.ts';
import type { ServiceProcess } from './supervised-process.ts';
import { StackFailure } from './stack-failure.ts';

export interface MariadbOptions {
  readonly binaries: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

const host = '127.0.0.1';

/** The address of the local database; name, user and password are the same word. */
export const mysqlUrl = (port: number): string => `mysql://alerts:alerts@${host}:${port}/alerts`;

/** Installs the data folder when it is not there, and describes the process. */
export async function prepareMariadb(options: MariadbOptions): Promise<ServiceProcess> {
  requirePlatform();
  const folder = join(options.dataDir, 'mysql');
  const data = join(folder, 'data');
  const base = join(options.binaries, mariadbBase);
  mkdirSync(temporaryFolder(folder), { recursive: true });
  if (!existsSync(data)) await installData(options, base, folder, data);
  return {
    name: 'mysql',
    address: mysqlUrl(options.port),
    command: {
      command: join(base, 'bin/mariadbd'),
      args: [
        '--no-defaults',
        ...runningUser(),
        `--basedir=${base}`,
        `--datadir=${data}`,
        // Relative to the data folder, because the path of a socket may have 107 bytes only.
        '--socket=mysql.sock',
        '--pid-file=mysql.pid',
        `--tmpdir=${temporaryFolder(folder)}`,
        `--init-file=${join(projectRoot, 'infra/mysql/grants.sql')}`,
        `--bind-address=${host}`,
        `--port=${options.port}`,
        '--skip-name-resolve',
        // With encryption the server makes a key at every start, which takes up to half a minute of a busy machine.
        '--skip-ssl',
        '--character-set-server=utf8mb4',
        '--default-time-zone=+00:00',
        '--max-allowed-packet=64M',
        '--innodb-buffer-pool-size=256M',
      ],
      cwd: folder,
    },
    logFile: options.logFile,
    isReady: () => mysqlAnswers({ host, port: options.port }),
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 30_000,
  };
}

/** Of its own, because a server that starts removes the temporary tables of others from a folder that it shares. */
const temporaryFolder = (folder: string): string => join(folder, 'tmp');

function requirePlatform(): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new StackFailure(
    `There is no database binary for ${process.platform}-${process.arch}: start Docker, or give the address of a ` +
      'MySQL or MariaDB server in MYSQL_URL.',
  );
}

/** The server refuses to run as root unless it is told to. */
function runningUser(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

async function installData(options: MariadbOptions, base: string, folder: string, data: string): Promise<void> {
  const unfinished = join(folder, 'unfinished');
  rmSync(unfinished, { recursive: true, force: true });
  const outcome = await runCommand(
    {
      command: join(base, 'scripts/mariadb-install-db'),
      args: [
        '--no-defaults',
        ...runningUser(),
        `--basedir=${base}`,
        `--datadir=${unfinished}`,
        // The administrator is whoever runs the server, over the socket and without a password; nobody over the network.
        '--auth-root-authentication-method=socket',
        `--auth-root-socket-user=${userInfo().username}`,
        '--skip-test-db',
      ],
      cwd: folder,
      environment: { ...process.env, TMPDIR: temporaryFolder(folder) },
    },
    { timeoutMs: 120_000, signal: options.signal },
  );
  if (outcome.code !== 0) {
    throw new StackFailure(
      `The database's folder ${folder} could not be installed: give the address of a MySQL or MariaDB server in ` +
        `MYSQL_URL, or start Docker.\n${outcome.output.trim().split('\n').slice(0, 12).join('\n')}`,
    );
  }
  renameSync(unfinished, data);
}
