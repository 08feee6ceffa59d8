/**
 * API keys of clients, where the operator set any.
 *
 * Invariant: comparing takes the same time whichever key is right and however much of it a guess got right: digests of one
 * length are compared, all of them, in constant time each.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** `Authorization: Bearer <key>` or `X-API-Key: <key>`. */
export const presentedKey = (headers: Readonly<Record<string, unknown>>): string | undefined => {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (typeof apiKey === 'string') return apiKey;
  const bearer = typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization) : null;
  return bearer?.[1];
};

/** Names the client of a key: its key's digest in short, fit for logs. Undefined for a wrong or missing key. */
export type ClientOf = (key: string | undefined) => string | undefined;

export const apiKeyCheck = (keys: readonly string[]): ClientOf => {
  const known = keys.map(digest);
  return (key) => {
    const presented = digest(key ?? '');
    let client: string | undefined;
    for (const candidate of known) {
      if (timingSafeEqual(candidate, presented) && key !== undefined) client = candidate.toString('hex', 0, 8);
    }
    return client;
  };
};
