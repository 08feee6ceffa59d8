/**
 * Rounds of kills under load: in each, some of processor, sink, gateway, broker and database die at random moments and come back,
 * and afterwards every event and every row since the start must be those of the model.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuditedSystem } from './support/audited-system.ts';
import type { ControlledProcess } from './support/controlled-process.ts';
import { progressSince } from './support/progress.ts';
import { Random, seedFrom } from './support/random.ts';

const ROUNDS = Number(process.env['FAULTS_ROUNDS'] ?? 10);
const ROUND_MS = 15_000;
const MAX_DOWN_MS = 3_000;

/** One process dies, in this way, so long after the round began, and comes back so much later. */
interface Death {
  readonly victim: ControlledProcess;
  readonly signal: NodeJS.Signals;
  readonly afterMs: number;
  readonly downMs: number;
}

describe('the alert system on services that die', () => {
  const seed = seedFrom(process.env);
  const random = new Random(seed);
  const say = progressSince(Date.now(), 'kills');
  let system: AuditedSystem;

  beforeAll(async () => {
    say(`seed ${seed} (FAULTS_SEED=${seed} repeats it)`);
    system = await AuditedSystem.start({ processors: 1 });
    say('everything is ready');
  });

  afterAll(async () => {
    await system?.stop();
  });

  /** Two to four of the five, and in every fifth round all of them. */
  const deathsOf = (round: number): Death[] => {
    const { services, app } = system;
    const all = [...app.processors, app.sink, app.gateway, services.broker, services.database];
    const victims = round % 5 === 4 ? all : random.sample(all, random.integer(2, 4));
    return victims.map((victim) => ({
      victim,
      // A broker is also restarted in order, as an upgrade does.
      signal: victim === services.broker && random.next() < 0.3 ? 'SIGTERM' : 'SIGKILL',
      afterMs: random.integer(500, ROUND_MS - 2_000),
      downMs: random.integer(0, MAX_DOWN_MS),
    }));
  };

  const die = async ({ victim, signal, afterMs, downMs }: Death): Promise<void> => {
    await sleep(afterMs);
    await victim.end(signal);
    await sleep(downMs);
    await victim.start();
  };

  test.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    'round %i: whatever is killed whenever, nothing is lost and nothing is twice [INV-EXACTLY-ONCE] [INV-SINK-EXACTLY-ONCE] [INV-GATEWAY-ACCEPTED]',
    async (round) => {
      const deaths = deathsOf(round);
      const words = deaths.map(
        ({ victim, signal, afterMs, downMs }) => `${victim.name} ${signal} at ${afterMs} ms for ${downMs} ms`,
      );
      say(`round ${round}: ${words.join(', ')}`);
      const load = system.startLoad(random.derive(round));
      await Promise.all([sleep(ROUND_MS), ...deaths.map(die)]);
      await system.services.broker.becomesReady();
      await system.services.database.becomesReady();
      await load.stop();
      const { alerts, events } = await system.audit();
      say(
        `round ${round} holds: ${alerts} alerts, ${events} events since the start; this round ${load.made} made, ` +
          `${load.promised.size} answered by the gateway, ${load.failedSends} sends failed; own exits: ${system.ownExits.join(', ') || 'none'}`,
      );
      expect(load.promised.size).toBeGreaterThan(0);
    },
  );
});
