import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressPolicy } from '../../../../connectors/notifications/address-policy.ts';

const publicOnly = addressPolicy([]) ?? (() => true);

describe('the addresses that channels may reach', () => {
  it.each([
    ...['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'],
    ...['0.0.0.0', '100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fd00::1'],
    ...['ff02::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '::127.0.0.1'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::', 'fec0::1', '::FFFF:192.168.0.1', 'localhost', '', '127.1'],
  ])('[INV-NOTIFY-ADDRESS] do not include %j', (address) => {
    expect(publicOnly(address)).toBe(false);
  });

  it.each(['93.184.216.34', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '::ffff:1.1.1.1'])(
    'include %s',
    (address) => {
      expect(publicOnly(address)).toBe(true);
    },
  );

  it('[INV-NOTIFY-ADDRESS] are the same for an IPv4 address in IPv6 clothes', () => {
    const byte = fc.nat(255);
    fc.assert(
      fc.property(byte, byte, byte, byte, (a, b, c, d) => {
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        const plain = publicOnly(`${a}.${b}.${c}.${d}`);
        expect(publicOnly(`::ffff:${a}.${b}.${c}.${d}`)).toBe(plain);
        expect(publicOnly(`::ffff:${hex}`)).toBe(plain);
      }),
    );
  });

  it('are widened by the networks that the operator allows, and by nothing else', () => {
    const mayReach = addressPolicy(['10.1.0.0/16', 'fd00::/64']) ?? (() => true);
    const asked = ['10.1.2.3', '::ffff:10.1.2.3', '10.2.0.1', 'fd00::5', 'fd01::5', '127.0.0.1', '1.1.1.1'];
    expect(asked.map(mayReach)).toEqual([true, true, false, true, false, false, true]);
  });

  it.each(['10.0.0.0', '10.0.0.0/33', 'example.com/8', '10.0.0.0/8/8x', '/8', '::/129'])(
    'cannot be widened by %j',
    (network) => {
      expect(addressPolicy([network])).toBeUndefined();
    },
  );
});
