/**
 * The page beside Kafka Streams: it names what there is, and judges each feature by one of four words.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/kafka-streams.md'), 'utf8');
const VERDICT = /^(same|better|not yet|on purpose not)(: .+)?$/;

/** Code without its comments, in which a name that the page uses must occur. */
const code = ['streams', 'state', 'connectors', 'cli', 'package.json']
  .flatMap((place) => {
    if (place.endsWith('.json')) return [place];
    const files = readdirSync(join(root, place), { recursive: true, encoding: 'utf8' });
    return files.filter((name) => name.endsWith('.ts')).map((name) => join(place, name));
  })
  .map((name) => readFileSync(join(root, name), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, ''))
  .join('\n');
const words = new Set(code.match(/[A-Za-z_$][\w$-]*|\d+/g));

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\|[ -]+\|/.test(line) && !line.startsWith('| Kafka Streams'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, theirs = '', ours = '', verdict = '']) => ({ theirs, ours, verdict }));

describe('docs/kafka-streams.md', () => {
  it.each(rows)('names what there is: $theirs', ({ ours, verdict }) => {
    expect(verdict).toMatch(VERDICT);
    const named = [...ours.matchAll(/`([^`]+)`/g)].flatMap(([, span]) => (span as string).split(/[\s.]+/));
    expect(named.filter((name) => name !== 'npm' && name !== 'run' && !words.has(name))).toEqual([]);
  });

  it('has a table for each part of the library', () => {
    expect(rows.length).toBeGreaterThan(60);
  });

  it('links to what there is', () => {
    const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link as string);
    expect(links.filter((link) => !existsSync(join(root, 'docs', link)))).toEqual([]);
  });
});
