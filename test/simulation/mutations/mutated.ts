/**
 * Applying a mutation to the text of its file.
 *
 * Invariant: it changes exactly one place. A mutation that fits nowhere, or in several places, is refused, so that the list
 * cannot rot while the engine changes.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mutation } from './list.ts';

/** The mutated text of the file. Rejects when the mutation does not fit exactly once. */
export async function mutated(root: string, { name, file, find, replace }: Mutation): Promise<string> {
  const parts = (await readFile(join(root, file), 'utf8')).split(find);
  if (parts.length !== 2) {
    throw new Error(`The mutation "${name}" fits ${parts.length - 1} times into ${file}; bring it up to date.`);
  }
  return parts.join(replace);
}
