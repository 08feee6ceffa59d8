/**
 * A database of its own for a benchmark. Invariant: dropped in the end, also after a failure.
 */
import { randomBytes } from 'node:crypto';
import { openMysql } from '../../connectors/mysql/database.ts';

/** `work` gets the address of an empty database on that server. The name begins as the local user's rights ask for. */
export async function inOwnDatabase<T>(serverUrl: string, work: (url: string) => Promise<T>): Promise<T> {
  const server = openMysql({ url: serverUrl, connectionLimit: 1 });
  const name = `alerts_bench_${randomBytes(4).toString('hex')}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await server.change(`CREATE DATABASE ${name}`);
  try {
    return await work(url.href);
  } finally {
    await server.change(`DROP DATABASE ${name}`);
    await server.close();
  }
}
