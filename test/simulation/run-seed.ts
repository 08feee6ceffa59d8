/**
 * One seed from beginning to end: the simulated run of the application, and the audit of what it left.
 */
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { MAX_SKEW_MS } from '../../streams/testing/simulation/setting.ts';
import { Simulation } from '../../streams/testing/simulation/simulation.ts';
import { audit } from './audit/auditor.ts';
import type { Evidence } from './audit/evidence.ts';
import { Inputs, QUIET_MS, topics } from './inputs.ts';
import { ledgerTopology } from './workload.ts';

const APPLICATION_ID = 'ledger';
const SEGMENT_HEADER_BYTES = 12;
/** How many events before the failure are told. */
const STORY_TAIL = 60;

export interface SeedResult {
  readonly seed: number;
  /** Of all steps that were taken. */
  readonly hash: string;
  readonly steps: number;
  /** What went wrong, with the story of it; undefined when nothing did. */
  readonly failure: string | undefined;
}

/** In the window store, the changelog's key stands behind its segment and length; a row of one byte is its own. */
const changelogKey = (store: string, key: Uint8Array): Uint8Array | undefined => {
  if (store !== 'windows') return key;
  return key.length === 1 ? undefined : key.subarray(SEGMENT_HEADER_BYTES);
};

/** `judge` throws when the evidence shows something that the application may not do. */
export async function runSeed(seed: number, judge: (evidence: Evidence) => void = audit): Promise<SeedResult> {
  const inputs = new Inputs();
  const simulation = new Simulation(seed, {
    ...{ applicationId: APPLICATION_ID, deadLetterTopic: 'dead-letters', topology: ledgerTopology, topics },
    ...{ makeStateFactory: () => new MemoryBackendFactory(), changelogKey },
    ...{ backlog: inputs.backlog, wave: inputs.wave, quietMs: QUIET_MS },
  });
  const { trace } = simulation;
  let failure: string | undefined;
  try {
    const { log, partitions, endMs, content } = await simulation.run();
    judge({
      ...{
        applicationId: APPLICATION_ID,
        partitions,
        endMs,
        maxSkewMs: MAX_SKEW_MS,
        lastBacklogId: inputs.lastBacklogId,
      },
      ...{ records: (topic, partition) => log.records({ topic, partition }), content },
    });
  } catch (error) {
    failure = tell(seed, error, trace.story);
  }
  return { seed, hash: trace.hash, steps: trace.steps, failure };
}

function tell(seed: number, error: unknown, story: readonly string[]): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const expected = name === 'Violation' || name === 'SimulationFailure';
  const told = story.length > STORY_TAIL ? ['         …', ...story.slice(-STORY_TAIL)] : story;
  return [
    `Seed ${seed} fails: ${expected ? message : (stack ?? message)}`,
    ...told,
    `Replay it: npm run simulate -- --seed ${seed} --seeds 1`,
  ].join('\n');
}
