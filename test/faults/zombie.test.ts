/**
 * A processor that is frozen for longer than its session lasts and then wakes up: another one has its tasks by then, and the zombie
 * must neither commit nor write anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logLines, APPLICATION } from './support/alert-app.ts';
import { AuditedSystem } from './support/audited-system.ts';
import { lateWrites } from './support/log-segments.ts';
import { progressSince } from './support/progress.ts';
import { Random, seedFrom } from './support/random.ts';

/** Past the session timeout of 10 s and the takeover after it. */
const FROZEN_MS = 18_000;
const WAKES = 3;
const AFTER_MS = 8_000;

describe('two processors, of which one falls asleep and wakes up', () => {
  const seed = seedFrom(process.env);
  const random = new Random(seed);
  const say = progressSince(Date.now(), 'zombie');
  let system: AuditedSystem;

  beforeAll(async () => {
    say(`seed ${seed} (FAULTS_SEED=${seed} repeats it)`);
    system = await AuditedSystem.start({ processors: 2 });
    say('everything is ready');
  });

  afterAll(async () => {
    await system?.stop();
  });

  /** Batches that a producer wrote behind one of its successor; the broker must have let none in. */
  const lateBatches = async (): Promise<string[]> => {
    const changelogs = APPLICATION.changelogs.map((store) => `${APPLICATION.id}-${store}-changelog`);
    const found: string[] = [];
    for (const topic of [system.topics.alertEvents, ...changelogs]) {
      for (let partition = 0; partition < system.partitions; partition++) {
        const late = await lateWrites(system.services.partitionFolder(topic, partition));
        found.push(...late.map((batch) => `${topic}-${partition}: ${batch}`));
      }
    }
    return found;
  };

  test.each(Array.from({ length: WAKES }, (_, wake) => wake))(
    'wake-up %i: the zombie is fenced and writes nothing; the other has gone on without it [INV-FENCING] [INV-EXACTLY-ONCE]',
    async (wake) => {
      const [zombie, other] = wake % 2 === 0 ? [0, 1] : [1, 0];
      const processor = system.app.processors[zombie];
      if (processor === undefined) throw new Error('There are two processors.');
      const load = system.startLoad(random.derive(wake));
      await sleep(3_000 + random.integer(0, 1_000));
      const seen = (await logLines(processor)).length;
      processor.freeze();
      const frozenAtMs = Date.now();
      await sleep(FROZEN_MS);
      await system.auditor.read();
      const partitions = new Set(
        system.auditor.events
          .filter(({ appendedMs }) => appendedMs > Date.now() - 4_000)
          .map(({ partition }) => partition),
      );
      // While it sleeps, the other one writes events of every partition: its tasks have all been taken over.
      expect([...partitions].sort()).toEqual([0, 1, 2, 3]);
      processor.thaw();
      say(
        `wake-up ${wake}: processor ${zombie} slept for ${Date.now() - frozenAtMs} ms; processor ${other} has taken over`,
      );
      await sleep(AFTER_MS);
      await load.stop();
      const { alerts, events } = await system.audit();
      const lines = (await logLines(processor)).slice(seen).map(({ message }) => message);
      const givenUp = lines.filter((line) => line.includes('has another owner')).length;
      say(
        `wake-up ${wake} holds: ${alerts} alerts, ${events} events; tasks given up for having another owner: ${givenUp}`,
      );
      expect(await lateBatches()).toEqual([]);
      expect(system.ownExits).toEqual([]);
    },
  );
});
