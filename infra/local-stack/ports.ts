/**
 * Ports on this machine. Invariant: nothing is started on a port that another program holds; instead one sentence says
 * which variables move it.
 */
import { createServer } from 'node:net';
import { addressVariables, portVariables } from './settings.ts';
import type { PortName } from './settings.ts';
import { codeOf, StackFailure } from './stack-failure.ts';

/** Below the range that operating systems hand out to outgoing connections, so that none of them takes a chosen port. */
const choosable = { first: 20_000, count: 12_000 };

/** Whether a listener can be opened on 127.0.0.1. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(false);
      else if (codeOf(error) === 'EACCES')
        reject(new StackFailure(`Port ${port} may not be used by this user; choose one above 1023.`));
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Different free ports at random places, so that stacks that start together do not meet. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; attempt < 1_000 && ports.size < count; attempt += 1) {
    const port = choosable.first + Math.floor(Math.random() * choosable.count);
    if (!ports.has(port) && (await isPortFree(port))) ports.add(port);
  }
  if (ports.size < count) throw new StackFailure('No free ports were found between 20000 and 32000 on 127.0.0.1.');
  return [...ports];
}

/** One free port. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new StackFailure('No free port was found on 127.0.0.1.');
  return port;
}

/** Refuses to go on while one of these ports is held by another program. */
export async function requireFreePorts(wanted: ReadonlyMap<PortName, number>): Promise<void> {
  const busy: { name: PortName; port: number; instead: number }[] = [];
  for (const [name, port] of wanted) {
    if (!(await isPortFree(port))) busy.push({ name, port, instead: await freePort() });
  }
  if (busy.length > 0) throw new StackFailure(busyPortsSentence(busy));
}

/** What to do about ports that are taken. */
export function busyPortsSentence(
  busy: readonly { readonly name: PortName; readonly port: number; readonly instead: number }[],
): string {
  const ports = busy.map(({ name, port }) => `${port} (${name})`).join(', ');
  const moves = busy.map(({ name, instead }) => `${portVariables[name].variable}=${instead}`).join(' ');
  const services = busy.flatMap(({ name }) =>
    name in addressVariables ? [name as keyof typeof addressVariables] : [],
  );
  const outside = services.map((name) => addressVariables[name]).join(', ');
  const orUseIt = outside === '' ? '' : `, or give the address of a running service in ${outside}`;
  const subject = busy.length === 1 ? 'Port' : 'Ports';
  const verb = busy.length === 1 ? 'is' : 'are';
  return `${subject} ${ports} on 127.0.0.1 ${verb} in use by another program: set ${moves}${orUseIt}.`;
}
