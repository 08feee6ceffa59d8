import fc from 'fast-check';
import { expect, test } from 'vitest';
import { driverKey } from '../../../processors/driver-key.ts';

test('a key names the driver and the source type', () => {
  expect(driverKey('TEST-02', 'overspeed')).toBe('TEST-02|overspeed');
});

test('different pairs never share a key, whatever characters they hold', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '|', '\\'), maxLength: 5 });
  fc.assert(
    fc.property(name, name, name, name, (driver1, source1, driver2, source2) => {
      const same = driver1 === driver2 && source1 === source2;
      expect(driverKey(driver1, source1) === driverKey(driver2, source2)).toBe(same);
    }),
    { numRuns: 2000 },
  );
});
