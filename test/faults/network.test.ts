/**
 * The network between the processes and broker and database: cut, slow, silent, half-open. Whatever it does, every event and
 * every row must be those of the model once it works again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { AuditedSystem } from './support/audited-system.ts';
import { progressSince } from './support/progress.ts';
import { Random, seedFrom } from './support/random.ts';

const CALM_MS = 3_000;

interface NetworkFault {
  readonly name: string;
  /** How long it lasts, and what it does at its beginning. */
  readonly forMs: (random: Random) => number;
  readonly begin: (proxy: TcpProxy, random: Random) => void;
}

const FAULTS: readonly NetworkFault[] = [
  { name: 'is cut', forMs: (random) => random.integer(100, 4_000), begin: (proxy) => proxy.cut() },
  {
    name: 'is slow',
    forMs: (random) => random.integer(3_000, 6_000),
    begin: (proxy, random) => proxy.delay(random.integer(20, 400)),
  },
  // Longer than the session of a group member lasts.
  { name: 'says nothing', forMs: (random) => random.integer(1_000, 14_000), begin: (proxy) => proxy.hang() },
  { name: 'is half open', forMs: () => 4_000, begin: (proxy) => proxy.halfOpen() },
];

describe('the alert system behind a bad network', () => {
  const seed = seedFrom(process.env);
  const random = new Random(seed);
  const say = progressSince(Date.now(), 'network');
  let system: AuditedSystem;

  beforeAll(async () => {
    say(`seed ${seed} (FAULTS_SEED=${seed} repeats it)`);
    system = await AuditedSystem.start({ processors: 2, proxied: true });
    say('everything is ready');
  });

  afterAll(async () => {
    await system?.stop();
  });

  const disturb = async (side: 'kafka' | 'mysql', fault: NetworkFault): Promise<void> => {
    const proxy = system.services.proxies?.[side];
    if (proxy === undefined) throw new Error('The services are behind proxies here.');
    const forMs = fault.forMs(random);
    say(`the network to ${side} ${fault.name} for ${forMs} ms`);
    fault.begin(proxy, random);
    await sleep(forMs);
    proxy.restore();
    await sleep(CALM_MS);
  };

  test.each(FAULTS.map((fault) => ({ fault, name: fault.name })))(
    'loses and repeats nothing when the network $name [INV-EXACTLY-ONCE] [INV-SINK-EXACTLY-ONCE]',
    async ({ fault, name }) => {
      const load = system.startLoad(random.derive(FAULTS.indexOf(fault)));
      await sleep(CALM_MS);
      for (const side of ['kafka', 'mysql', 'kafka'] as const) await disturb(side, fault);
      await load.stop();
      const { alerts, events } = await system.audit();
      const own = system.ownExits.join(', ') || 'none';
      say(`${name}: holds with ${alerts} alerts, ${events} events since the start; own exits: ${own}`);
      expect(load.made).toBeGreaterThan(0);
    },
  );
});
