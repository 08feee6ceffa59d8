import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { HOUR, IncidentSystem, logAlert, MINUTE, policy, START_MS } from '../../support/incident-system.ts';

const SERVICES = ['a', 'b', 'c', 'd'] as const;

type Act =
  | { readonly kind: 'alert'; readonly service: string; readonly rule: string; readonly afterMs: number }
  | { readonly kind: 'status'; readonly pick: number; readonly status: string }
  | { readonly kind: 'depend'; readonly service: string; readonly on: readonly string[] | null };

const service = fc.constantFrom(...SERVICES);
const afterMs = fc.constantFrom(0, MINUTE, 9 * MINUTE, HOUR);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('alert' as const), service, rule: fc.constantFrom('r1', 'r2'), afterMs }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('status' as const),
      pick: fc.nat(20),
      status: fc.constantFrom('ACK', 'RESOLVED', 'RESOLVED'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('depend' as const),
      service,
      on: fc.option(fc.uniqueArray(service, { maxLength: 2 }), { nil: null }),
    }),
  },
);

const running: IncidentSystem[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((system) => system.close()));
});

const start = async (): Promise<IncidentSystem> => {
  const system = await IncidentSystem.start({ driver: { partitions: 3 } });
  running.push(system);
  await system.setPolicy('on-call', policy({ repeat: 1 }));
  return system;
};

const perform = async (system: IncidentSystem, one: Act): Promise<void> => {
  if (one.kind === 'alert') {
    const atMs = system.driver.clock.now() + one.afterMs;
    await system.until(atMs);
    await system.alert(logAlert(one.service, one.rule, atMs));
  } else if (one.kind === 'depend') {
    await system.setDependencies(one.service, one.on);
  } else {
    const incidents = system.incidents();
    const chosen = incidents[one.pick % Math.max(1, incidents.length)];
    if (chosen !== undefined) await system.setStatus(chosen.id, one.status);
  }
};

/** Fingerprints that more than one active incident claims. */
const doubled = (system: IncidentSystem): string[] => {
  const all = system.active().flatMap(({ fingerprints }) => fingerprints);
  return all.filter((fingerprint, index) => all.indexOf(fingerprint) !== index);
};

test('[INV-INCIDENT-ONE-ACTIVE] no fingerprint ever has two active incidents, whatever happens and whatever is declared meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
      const system = await start();
      let alerts = 0;
      for (const one of acts) {
        await perform(system, one);
        alerts += one.kind === 'alert' ? 1 : 0;
        expect(doubled(system)).toEqual([]);
      }
      // Every alert was decided exactly once, wherever that was.
      expect(system.metrics.of('incident_alerts').reduce((sum, [, count]) => sum + count, 0)).toBe(alerts);
      for (const { status, resolvedAtMs, version } of system.incidents()) {
        expect(resolvedAtMs === null).toBe(status !== 'RESOLVED');
        expect(version).toBeGreaterThan(0);
      }
    }),
    { numRuns: 40 },
  );
});

test('[INV-INCIDENT-REPLAY] the same input gives the same events, also with a restart after every step', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
      const [once, again] = [await start(), await start()];
      for (const one of acts) {
        await perform(once, one);
        await perform(again, one);
        await again.restart();
      }
      const byId = (system: IncidentSystem) => new Map(system.events.map((event) => [event.eventId, event]));
      expect(byId(again)).toEqual(byId(once));
      for (const { timestamp } of once.events) expect(timestamp).toBeGreaterThanOrEqual(START_MS);
    }),
    { numRuns: 12 },
  );
});
