/**
 * A POST to an address that a user chose.
 *
 * Invariant [INV-NOTIFY-ADDRESS]: the address that is checked is the one that is connected to, so a name that resolves otherwise a
 * moment later gains nothing; redirects are not followed, no connection is kept, and little of an answer is read.
 */
import { lookup as resolveName, type LookupAddress, type LookupOptions } from 'node:dns';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { AddressPolicy } from './address-policy.ts';
import { DeliveryError } from './sender.ts';

export type ResolveName = (
  host: string,
  options: LookupOptions & { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface PostOptions {
  readonly mayReach: AddressPolicy;
  /** Left out: the system's. */
  readonly resolve?: ResolveName;
}

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const MAX_ANSWER_BYTES = 64 * 1024;
/** Too busy, too early, or a time-out of theirs; and faults of the server. */
const PASSING = new Set([408, 425, 429]);

const refused = (): DeliveryError =>
  new DeliveryError('The target is in a private network that channels may not reach; see NOTIFIER_ALLOWED_NETWORKS.', {
    permanent: true,
  });

/** Refuses when any address of the name is forbidden: which of them is used is up to the connection. */
const guardedLookup =
  ({ mayReach, resolve = resolveName }: PostOptions): LookupFunction =>
  (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) done(error ?? new Error('the name has no address'), '', 0);
      else if (!addresses.every(({ address }) => mayReach(address))) done(refused(), '', 0);
      else if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : error.message);

const judge = (status: number): void => {
  if (status >= 200 && status < 300) return;
  const permanent = status < 500 && !PASSING.has(status);
  const what = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
  throw new DeliveryError(`The receiver answered ${status}${what}.`, { permanent });
};

const send = (url: URL, post: Post, lookup: LookupFunction, signal: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    const options: RequestOptions = {
      ...{ method: 'POST', lookup, signal, agent: false },
      headers: { ...post.headers, 'content-length': String(Buffer.byteLength(post.body)) },
    };
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (response) => {
      let read = 0;
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
      response.on('close', () => reject(new Error('the connection broke within the answer')));
    });
    request.on('error', reject);
    request.end(post.body);
  });

/** Resolves once the receiver answered with 2xx, whole; rejects with `DeliveryError`. */
export const guardedPost = async (options: PostOptions, post: Post, signal: AbortSignal): Promise<void> => {
  const url = URL.parse(post.url);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new DeliveryError('The target is no address of HTTP.', { permanent: true });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // Addresses written as such are never looked up.
  if (isIP(host) !== 0 && !options.mayReach(host)) throw refused();
  let status: number;
  try {
    status = await send(url, post, guardedLookup(options), signal);
  } catch (cause) {
    if (cause instanceof DeliveryError) throw cause;
    const reason = cause instanceof Error ? codeOf(cause) : String(cause);
    throw new DeliveryError(`The receiver could not be reached: ${reason}.`, { permanent: false, cause });
  }
  judge(status);
};
