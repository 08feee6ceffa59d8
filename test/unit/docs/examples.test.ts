/**
 * The examples of the documentation: each prints what it says it prints.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';

const directory = join(import.meta.dirname, '../../../docs/examples');
const examples = readdirSync(directory).filter((name) => name.endsWith('.ts'));
const MOST_LINES = 20;

const linesOf = (name: string): readonly string[] => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n');
const isExpectation = (line: string): boolean => line.startsWith('// →');

describe('docs/examples', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  it.each(examples)('%s prints what its last lines say', async (name) => {
    const expected = linesOf(name)
      .filter(isExpectation)
      .map((line) => line.slice('// → '.length));
    vi.stubEnv('KAFKA_BROKERS', undefined);
    const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await import(join(directory, name));
    expect(print.mock.calls.flatMap((call) => format(...(call as unknown[])).split('\n'))).toEqual(expected);
    expect(expected).not.toEqual([]);
  });

  it(`begins with one of ${MOST_LINES} lines, to which what it prints is added`, () => {
    const [first] = examples as [string];
    expect(linesOf(first).filter((line) => !isExpectation(line)).length).toBeLessThanOrEqual(MOST_LINES);
  });
});
