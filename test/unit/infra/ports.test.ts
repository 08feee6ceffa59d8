/** Busy ports are found and answered with what to set. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { busyPortsSentence, freePorts, isPortFree, requireFreePorts } from '../../../infra/local-stack/ports.ts';

async function withListener(use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('ports', () => {
  it('are busy while somebody listens, on this address or on all', async () => {
    await withListener(async (port) => expect(await isPortFree(port)).toBe(false));
    const [port] = await freePorts(1);
    expect(await isPortFree(port ?? 0)).toBe(true);
  });

  it('that are chosen differ, are free and are not those of outgoing connections', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(20_000);
      expect(port).toBeLessThan(32_000);
    }
  });

  it('[INV-INFRA-PORTS] that are busy stop a start with one sentence that has a way out', async () => {
    await withListener(async (port) => {
      const start = requireFreePorts(new Map([['kafka', port]]));
      await expect(start).rejects.toThrow(
        new RegExp(
          `^Port ${port} \\(kafka\\) on 127\\.0\\.0\\.1 is in use by another program: set KAFKA_PORT=\\d+, .*KAFKA_BROKERS\\.$`,
        ),
      );
    });
  });

  it('are named together, and an address is offered only where one can be given', () => {
    const gateway = { name: 'gateway', port: 4000, instead: 20_001 } as const;
    const mysql = { name: 'mysql', port: 3306, instead: 20_002 } as const;
    expect(busyPortsSentence([gateway])).toBe(
      'Port 4000 (gateway) on 127.0.0.1 is in use by another program: set GATEWAY_PORT=20001.',
    );
    expect(busyPortsSentence([gateway, mysql])).toBe(
      'Ports 4000 (gateway), 3306 (mysql) on 127.0.0.1 are in use by another program: set GATEWAY_PORT=20001 ' +
        'MYSQL_PORT=20002, or give the address of a running service in MYSQL_URL.',
    );
  });
});
