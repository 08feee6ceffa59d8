import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseMysqlUrl } from '../../../../connectors/mysql/connection-options.ts';
import { DatabaseSetupError } from '../../../../connectors/mysql/errors.ts';

describe('parseMysqlUrl', () => {
  it('takes the address apart', () => {
    expect(parseMysqlUrl('mysql://user:p%40ss%2Fword@db.example:3307/alerts')).toEqual({
      host: 'db.example',
      port: 3307,
      user: 'user',
      password: 'p@ss/word',
      database: 'alerts',
      ssl: undefined,
    });
  });

  it('knows the default port and IPv6 addresses', () => {
    expect(parseMysqlUrl('mariadb://user@[::1]/alerts')).toMatchObject({ host: '::1', port: 3306, password: '' });
  });

  it.each([
    ['REQUIRED', { rejectUnauthorized: false, verifyIdentity: false }],
    ['verify_ca', { rejectUnauthorized: true, verifyIdentity: false }],
    ['VERIFY_IDENTITY', { rejectUnauthorized: true, verifyIdentity: true }],
  ])('understands ssl-mode=%s', (mode, ssl) => {
    expect(parseMysqlUrl(`mysql://user@host/alerts?ssl-mode=${mode}`).ssl).toEqual(ssl);
  });

  it('verifies the server when a certificate is given', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mysql-url-'));
    try {
      const file = join(folder, 'ca.pem');
      writeFileSync(file, 'certificate');
      const { ssl } = parseMysqlUrl(`mysql://user@host/alerts?ssl-ca=${encodeURIComponent(file)}`);
      expect(ssl).toEqual({ ca: 'certificate', rejectUnauthorized: true, verifyIdentity: false });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ['no URL', 'secret'],
    ['another protocol', 'postgres://user:secret@host/alerts'],
    ['no database', 'mysql://user:secret@host/'],
    ['an unknown parameter', 'mysql://user:secret@host/alerts?ssl_mode=REQUIRED'],
    ['an unknown mode', 'mysql://user:secret@host/alerts?ssl-mode=ON'],
  ])('refuses %s without repeating the password', (_name, url) => {
    let refusal: unknown;
    try {
      parseMysqlUrl(url);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(DatabaseSetupError);
    expect(String(refusal)).toContain('MYSQL_URL');
    expect(String(refusal)).not.toContain('secret');
  });
});
