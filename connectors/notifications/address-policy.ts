/**
 * Which network addresses channels may reach.
 *
 * Invariant [INV-NOTIFY-ADDRESS]: an address of this machine, of a private or link-local network, or of any other range that is not
 * public is refused unless the operator allowed its network; so is an IPv4 address in IPv6 clothes.
 */
import { BlockList, isIP } from 'node:net';

/** Not reachable publicly, by the registries of special-purpose addresses; the last four of IPv6 carry IPv4 addresses within. */
const SPECIAL = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '::/128', '::1/128', '100::/64', '2001:db8::/32', 'fc00::/7', 'fe80::/10'],
  ...['fec0::/10', 'ff00::/8', '::/96', '64:ff9b::/96', '64:ff9b:1::/48', '2001::/32', '2002::/16'],
];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Undefined when one of them is no network. */
const listOf = (networks: readonly string[]): BlockList | undefined => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits = '', ...more] = network.split('/');
    const family = isIP(address);
    if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
      return undefined;
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
};

const special = listOf(SPECIAL) as BlockList;

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

export type AddressPolicy = (address: string) => boolean;

/** Tells whether an IP address may be connected to. Undefined when `allowed` (such as `10.1.0.0/16`) holds what is no network. */
export const addressPolicy = (allowed: readonly string[]): AddressPolicy | undefined => {
  const exceptions = listOf(allowed);
  if (exceptions === undefined) return undefined;
  return (given) => {
    const address = MAPPED.exec(given)?.[1] ?? given;
    if (isIP(address) === 0) return false;
    const family = familyOf(address);
    return exceptions.check(address, family) || !special.check(address, family);
  };
};
