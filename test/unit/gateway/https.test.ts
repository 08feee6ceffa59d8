/** The gateway over HTTPS, with a certificate of this test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testCertificate } from '../../support/certificates.ts';
import { World } from './http-world.ts';

const ask = (port: number, ca: string | undefined): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/live', ...(ca !== undefined && { ca }) };
    request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end();
  });

it('serves HTTPS where it has a certificate, and nothing else then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'alerts-https-'));
  const world = new World();
  try {
    const { certificate, key } = await testCertificate();
    const [certificateFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(certificateFile, certificate);
    writeFileSync(keyFile, key);
    await world.start({ GATEWAY_TLS_CERT_FILE: certificateFile, GATEWAY_TLS_KEY_FILE: keyFile });
    const url = await world.gateway.server.listen({ host: '127.0.0.1', port: 0 });
    const port = Number(new URL(url).port);
    expect(new URL(url).protocol).toBe('https:');
    expect(await ask(port, certificate)).toBe(200);
    await expect(ask(port, undefined)).rejects.toThrow('self-signed certificate');
    await expect(fetch(`http://127.0.0.1:${port}/live`)).rejects.toThrow();
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
