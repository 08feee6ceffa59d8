/**
 * The specification and the tests name each other: no invariant without a test, no tag without an invariant.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const testRoot = join(root, 'test');
const spec = readFileSync(join(root, 'docs/SPEC.md'), 'utf8');

/** Tag → the test files that the specification names for it. */
const specified = new Map(
  [...spec.matchAll(/^\| \d+\.\d+ +\| `(INV-[A-Z0-9-]+)` +\|.*\| ([^|]*) \|$/gm)].map(([, tag, files]) => [
    tag as string,
    [...(files ?? '').matchAll(/`([^`]+)`/g)].map(([, file]) => file as string).sort(),
  ]),
);

const tagged = new Map<string, Set<string>>();
for (const entry of readdirSync(testRoot, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const path = join(entry.parentPath, entry.name);
  for (const [, tag] of readFileSync(path, 'utf8').matchAll(/\[(INV-[A-Z0-9-]+)\]/g)) {
    const files = tagged.get(tag as string) ?? new Set();
    tagged.set(tag as string, files.add(relative(testRoot, path)));
  }
}

describe('docs/SPEC.md', () => {
  it('lists every invariant that a test is tagged with, once', () => {
    expect([...tagged.keys()].filter((tag) => !specified.has(tag))).toEqual([]);
    expect([...spec.matchAll(/^\| \d+\.\d+ +\|/gm)]).toHaveLength(specified.size);
  });

  it.each([...specified])('names the tests of %s', (tag, files) => {
    expect([...(tagged.get(tag) ?? [])].sort()).toEqual(files);
  });
});
