/** The archive in monthly partitions, on a real database: the sink writes as before, and old months go whole. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepArchive } from '../../../infra/mysql/archive-partitions.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { applyBatch } from '../../../sink/apply-batch.ts';
import { planBatch } from '../../../sink/plan-batch.ts';
import { readPosition } from '../../../sink/positions.ts';
import { lifeOf } from '../../support/sink-events.ts';
import { naiveImage } from '../../support/sink-model.ts';
import { storedForm, TestDatabase } from './test-database.ts';

const AT = { topic: 'alert-events', partition: 0 };
const NOW_MS = Date.UTC(2026, 10, 24);
const keeping = { nowMs: NOW_MS, monthsKept: 2, monthsAhead: 1 };

/** One life for each of the months up to November 2026, the last one with its end in December. */
const starts = [7, 8, 9, 10].map((month) => Date.UTC(2026, month, 15)).concat(Date.UTC(2026, 10, 30, 23, 59, 58));
const lives = starts.map((startMs, index) => lifeOf(`alert-${index}`, true, startMs));

let tables: TestDatabase;
beforeAll(async () => void (tables = await TestDatabase.create()));
afterAll(async () => tables.drop());

const store = async (events: readonly LifecycleEvent[]): Promise<void> => {
  await readPosition(tables.database, AT, 0);
  await tables.database.change('UPDATE sink_offsets SET next_offset = 0');
  await applyBatch(tables.database, planBatch(events), { ...AT, expected: 0, next: events.length });
};

describe('the archive in partitions', () => {
  it('[INV-ARCHIVE-PARTITIONS] is cut by month with the rows it holds, and made again without a change', async () => {
    await store(lives[0] ?? []);
    const [events, alerts] = await keepArchive(tables.database, { ...keeping, monthsKept: 12 });
    expect(alerts).toEqual({
      table: 'alerts_archive',
      added: ['p2026_08', 'p2026_09', 'p2026_10', 'p2026_11', 'p2026_12'],
      dropped: [],
    });
    expect(events?.added).toEqual(alerts?.added);
    expect(await keepArchive(tables.database, { ...keeping, monthsKept: 12 })).toEqual([
      { table: 'alert_events_archive', added: [], dropped: [] },
      { table: 'alerts_archive', added: [], dropped: [] },
    ]);
    expect(await tables.image()).toEqual(storedForm(naiveImage(lives[0] ?? [])));
  });

  it('[INV-ARCHIVE-PARTITIONS] takes what the sink writes, and the same again without a second row', async () => {
    for (const life of [...lives, ...lives]) await store(life);
    expect(await tables.image()).toEqual(storedForm(naiveImage(lives.flat())));
  });

  it('[INV-ARCHIVE-PARTITIONS] loses the months that are over, and nothing else', async () => {
    const changes = await keepArchive(tables.database, { ...keeping, nowMs: Date.UTC(2026, 11, 2) });
    expect(changes.map(({ added }) => added)).toEqual([['p2027_01'], ['p2027_01']]);
    expect(changes.map(({ dropped }) => dropped)).toEqual(Array(2).fill(['p2026_08', 'p2026_09']));
    expect(await tables.image()).toEqual(storedForm(naiveImage(lives.slice(2).flat())));
  });
});
