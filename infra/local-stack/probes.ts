/**
 * Whether a service answers. Invariant: a probe asks over the service's own protocol, ends within its time and never
 * rejects; what does not answer is simply not there yet.
 */
import { connect } from 'node:net';
import { decodeLiveBrokers, encodeMetadataRequest } from './kafka-metadata.ts';
import { StackFailure } from './stack-failure.ts';

const probeTimeoutMs = 5_000;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`. */
export function parseHostPort(text: string, variable: string): HostPort {
  const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text.trim());
  if (match?.[1] === undefined) throw new StackFailure(`${variable} holds "${text}"; give it as host:port.`);
  return { host: match[1], port: Number(match[2]) };
}

/** Whether a broker answers and its cluster lists a live one. */
export async function kafkaAnswers(address: HostPort): Promise<boolean> {
  return exchange(address, encodeMetadataRequest(), (received) => {
    const brokers = decodeLiveBrokers(received);
    return brokers === undefined ? undefined : brokers > 0;
  });
}

/** Whether a server greets with the MySQL handshake, version 10. */
export async function mysqlAnswers(address: HostPort): Promise<boolean> {
  return exchange(address, undefined, (received) => (received.length < 5 ? undefined : received[4] === 10));
}

/** The status a GET is answered with; undefined when there is no answer. */
export async function httpStatus(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(probeTimeoutMs) });
    await response.body?.cancel();
    return response.status;
  } catch {
    // Refused, reset or too slow all mean the same here: no answer yet.
    return undefined;
  }
}

/** Whether the registry serves its list of subjects. */
export async function registryAnswers(url: string): Promise<boolean> {
  return (await httpStatus(`${url.replace(/\/+$/, '')}/subjects`)) === 200;
}

/** Whether a connection is taken at all. */
export async function acceptsConnections({ host, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(probeTimeoutMs, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('connect', () => answer(true));
  });
}

/** Connects, sends, and lets `judge` look at all bytes received so far until it knows. */
async function exchange(
  { host, port }: HostPort,
  request: Buffer | undefined,
  judge: (received: Buffer) => boolean | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    const answer = (isReady: boolean): void => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(probeTimeoutMs, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
    if (request !== undefined) socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const verdict = judge(received);
      if (verdict !== undefined) answer(verdict);
    });
  });
}
