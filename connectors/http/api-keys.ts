/**
 * API keys of clients, where the operator set any, and what each may do.
 *
 * Invariant: comparing takes the same time whichever key is right and however much of it a guess got right:
 * digests of one length are compared, all of them, in constant time each. A key may do what its roles say and nothing else.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** What a key lets its holder do. `manage` includes `read`; `admin` includes everything. */
export const ROLES = ['read', 'ingest', 'manage', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface ApiKey {
  /** Names the client in logs and counts; without one the key's digest does. */
  readonly name: string | undefined;
  readonly roles: readonly Role[];
  readonly key: string;
}

/** Who asks, and what for it may. */
export interface Client {
  /** Fit for logs: never the key itself. */
  readonly id: string;
  readonly roles: readonly Role[];
}

/** What a key without roles may do: what a fleet's own systems need. */
const PLAIN_ROLES: readonly Role[] = ['read', 'ingest'];
const MIN_KEY_LENGTH = 16;

export const API_KEYS_ALLOWED =
  `separated by commas, each a key of at least ${MIN_KEY_LENGTH} characters without blanks (may read and ingest), ` +
  `or name:roles:key with roles such as read+ingest out of ${ROLES.join(', ')}`;

const WITH_ROLES = /^([A-Za-z0-9_-]{1,40}):([a-z+]+):(.+)$/;

const isRole = (word: string): word is Role => (ROLES as readonly string[]).includes(word);

/** Undefined for what is no key. */
const parseKey = (text: string): ApiKey | undefined => {
  const [, name, rolesText = '', named] = WITH_ROLES.exec(text) ?? [];
  const key = named ?? text;
  if (key.length < MIN_KEY_LENGTH || /\s/.test(key)) return undefined;
  if (named === undefined) return { name: undefined, roles: PLAIN_ROLES, key };
  const roles = rolesText.split('+');
  return roles.every(isRole) ? { name, roles, key } : undefined;
};

/** The keys of a list; undefined when any of it is not allowed, or two keys or names are the same. */
export const parseApiKeys = (text: string): readonly ApiKey[] | undefined => {
  const items = text.split(',').map((item) => item.trim());
  if (items.length === 1 && items[0] === '') return [];
  const keys = items.map(parseKey).filter((key) => key !== undefined);
  const names = keys.flatMap(({ name }) => name ?? []);
  const distinct = new Set(keys.map(({ key }) => key)).size === keys.length && new Set(names).size === names.length;
  return keys.length === items.length && distinct ? keys : undefined;
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** `Authorization: Bearer <key>` or `X-API-Key: <key>`. */
export const presentedKey = (headers: Readonly<Record<string, unknown>>): string | undefined => {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (typeof apiKey === 'string') return apiKey;
  const bearer = typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization) : null;
  return bearer?.[1];
};

/** Undefined for a wrong or missing key. */
export type ClientOf = (key: string | undefined) => Client | undefined;

export const apiKeyCheck = (keys: readonly ApiKey[]): ClientOf => {
  const known = keys.map(({ key, name, roles }) => {
    const hash = digest(key);
    return { hash, client: { id: name ?? hash.toString('hex', 0, 8), roles } };
  });
  return (key) => {
    const presented = digest(key ?? '');
    let found: Client | undefined;
    for (const { hash, client } of known) {
      if (timingSafeEqual(hash, presented) && key !== undefined) found = client;
    }
    return found;
  };
};

const GRANTED_BY: Readonly<Record<Role, readonly Role[]>> = {
  read: ['read', 'manage', 'admin'],
  ingest: ['ingest', 'admin'],
  manage: ['manage', 'admin'],
  admin: ['admin'],
};

export const mayDo = ({ roles }: Client, role: Role): boolean => roles.some((held) => GRANTED_BY[role].includes(held));

/** A key to look at things with; undefined where no key is needed. */
export const readingKey = (keys: readonly ApiKey[]): string | undefined =>
  keys.find(({ roles }) => roles.some((role) => GRANTED_BY.read.includes(role)))?.key;
