import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { findTool, optionFile, withConnection } from '../../../cli/data/database-tools.ts';
import { checkDump, dumpTo, loadFrom } from '../../../cli/data/dump-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'alerts-tools-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);

/** A program that does what the shell does with the text. */
const program = (name: string, script: string): string => {
  writeFileSync(path(name), `#!/bin/sh\n${script}\n`);
  chmodSync(path(name), 0o755);
  return path(name);
};

const run = (command: string) => ({
  command,
  args: [] as string[],
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

describe('the option file of a database tool', () => {
  it('carries what the address says, quoted', () => {
    const file = optionFile('mysql://us%22er:p%5Cw%23@127.0.0.1:13306/alerts', 'mariadb');
    expect(file.trim().split('\n')).toEqual([
      ...[
        '[client]',
        'protocol=tcp',
        'host="127.0.0.1"',
        'port=13306',
        'user="us\\"er"',
        'password="p\\\\w#"',
        'skip-ssl',
      ],
    ]);
  });

  it('asks for TLS as each of the programs words it', () => {
    const required = 'mysql://u:p@h/db?ssl-mode=REQUIRED';
    expect(optionFile(required, 'mysql')).toContain('ssl-mode=REQUIRED');
    expect(optionFile(required, 'mariadb')).toContain('ssl\nskip-ssl-verify-server-cert');
    writeFileSync(path('ca.pem'), 'x');
    const verified = `mysql://u:p@h/db?ssl-ca=${path('ca.pem')}`;
    expect(optionFile(verified, 'mysql')).toContain(`ssl-mode=VERIFY_CA\nssl-ca="${path('ca.pem')}"`);
    expect(optionFile(verified, 'mariadb')).toContain('ssl-verify-server-cert');
  });

  it('is for this user alone, and gone afterwards', async () => {
    const tool = { path: '', flavour: 'mysql' } as const;
    let file = '';
    await withConnection('mysql://u:p@h/db', tool, async ([option], database) => {
      file = option?.split('=')[1] ?? '';
      expect(database).toBe('db');
      expect(statSync(file).mode & 0o777).toBe(0o600);
    });
    expect(() => statSync(file)).toThrow('ENOENT');
  });
});

describe('finding a tool', () => {
  it('prefers MariaDB’s, takes MySQL’s, and says what to do without', () => {
    const environment = { PATH: folder, SERVICES_CACHE_DIR: path('none') };
    expect(() => findTool('dump', environment)).toThrow('None of mariadb-dump, mysqldump was found');
    program('mysqldump', 'true');
    expect(findTool('dump', environment)).toEqual({ path: path('mysqldump'), flavour: 'mysql' });
    program('mariadb-dump', 'true');
    expect(findTool('dump', environment)).toEqual({ path: path('mariadb-dump'), flavour: 'mariadb' });
  });
});

const END = '-- Dump completed on 2025-11-24 12:00:00';

describe('a backup file', () => {
  it('holds what the program printed, for this user alone', async () => {
    const bytes = await dumpTo(path('good.gz'), run(program('good', `echo 'SELECT 1;'; echo '${END}'`)));
    expect(gunzipSync(readFileSync(path('good.gz'))).toString()).toBe(`SELECT 1;\n${END}\n`);
    expect(bytes).toBe(`SELECT 1;\n${END}\n`.length);
    expect(statSync(path('good.gz')).mode & 0o777).toBe(0o600);
    await expect(checkDump(path('good.gz'), () => undefined)).resolves.toBeUndefined();
  });

  it.each([
    ['fails', `echo 'SELECT 1;'; echo '${END}'; echo 'Access denied' >&2; exit 2`, 'Access denied'],
    ['ends early', `echo 'SELECT 1;'`, 'without its last line'],
  ])('is not left behind by a program that %s', async (name, script, said) => {
    await expect(dumpTo(path(`${name}.gz`), run(program(name, script)))).rejects.toThrow(said);
    expect(() => statSync(path(`${name}.gz`))).toThrow('ENOENT');
    expect(() => statSync(path(`${name}.gz.part`))).toThrow('ENOENT');
  });

  it.each([
    ['no file', undefined, 'ENOENT'],
    ['no compressed file', Buffer.from('SELECT 1;'), 'cannot be used as a backup'],
    ['half a file', gzipSync(`${'SELECT 1;\n'.repeat(1_000)}${END}\n`).subarray(0, 40), 'cannot be used as a backup'],
    ['half a dump', gzipSync('SELECT 1;\n'), 'its last line is missing'],
  ])('is refused when it is %s', async (name, content, said) => {
    const file = path(`${name.replaceAll(' ', '-')}.sql.gz`);
    if (content !== undefined) writeFileSync(file, content);
    await expect(checkDump(file, () => undefined)).rejects.toThrow(said);
  });

  it('is given to the program whole; the program’s own words tell why it fails', async () => {
    writeFileSync(path('load.gz'), gzipSync(`SELECT 1;\n${END}\n`));
    await loadFrom(path('load.gz'), run(program('load', `cat > ${path('loaded')}`)));
    expect(readFileSync(path('loaded'), 'utf8')).toBe(`SELECT 1;\n${END}\n`);
    const refusing = run(program('refuse', `echo 'ERROR 1064' >&2; exit 1`));
    await expect(loadFrom(path('load.gz'), refusing)).rejects.toThrow('ERROR 1064');
  });
});
