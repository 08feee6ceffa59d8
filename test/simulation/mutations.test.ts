import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mutations } from './mutations/list.ts';
import { mutated } from './mutations/mutated.ts';

const root = join(import.meta.dirname, '../..');

it.each(mutations.map((mutation) => [mutation.name, mutation] as const))('%s still applies', async (_, mutation) => {
  expect(await mutated(root, mutation)).toContain(mutation.replace);
});

it('has a name for each mutation', () => {
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});
