/**
 * MYSQL_URL taken apart: `mysql://user:password@host:port/database?ssl-mode=…&ssl-ca=…`.
 *
 * Invariant: what the URL says is either understood or refused; a misspelt parameter never weakens the connection silently,
 * and no message repeats the URL, since it carries a password.
 */
import { readFileSync } from 'node:fs';
import { DatabaseSetupError } from './errors.ts';

export interface TlsOptions {
  readonly ca?: string;
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Undefined: no TLS. */
  readonly ssl: TlsOptions | undefined;
}

const DEFAULT_PORT = 3306;

const refuse = (problem: string): never => {
  throw new DatabaseSetupError(
    'MYSQL_URL',
    `MYSQL_URL ${problem}; it looks like mysql://user:password@host:3306/database.`,
  );
};

const parseUrl = (text: string): URL => {
  if (!URL.canParse(text)) refuse('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') refuse('does not begin with mysql://');
  if (url.hostname === '') refuse('names no host');
  return url;
};

/** `ssl-mode` has MySQL's own values; DISABLED is the default, as the server commonly stands on the same host or network. */
const parseTls = (parameters: URLSearchParams): TlsOptions | undefined => {
  for (const name of parameters.keys()) {
    if (name !== 'ssl-mode' && name !== 'ssl-ca') refuse(`has the unknown parameter ${name} (known: ssl-mode, ssl-ca)`);
  }
  const caFile = parameters.get('ssl-ca');
  const ca = caFile === null ? {} : { ca: readFileSync(caFile, 'utf8') };
  const mode = parameters.get('ssl-mode')?.toUpperCase() ?? (caFile === null ? 'DISABLED' : 'VERIFY_CA');
  switch (mode) {
    case 'DISABLED':
      return undefined;
    case 'REQUIRED':
      return { ...ca, rejectUnauthorized: false, verifyIdentity: false };
    case 'VERIFY_CA':
      return { ...ca, rejectUnauthorized: true, verifyIdentity: false };
    case 'VERIFY_IDENTITY':
      return { ...ca, rejectUnauthorized: true, verifyIdentity: true };
    default:
      return refuse('has an ssl-mode that is none of DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY');
  }
};

/** Throws `DatabaseSetupError` for a URL it does not understand. Reads the file that `ssl-ca` names. */
export const parseMysqlUrl = (text: string): ConnectionOptions => {
  const url = parseUrl(text);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '' || database.includes('/')) refuse('names no database');
  return {
    host: decodeURIComponent(url.hostname.replace(/^\[(.*)\]$/, '$1')),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    ssl: parseTls(url.searchParams),
  };
};
