/**
 * The runbook says nothing that is not so: its codes are in the code, its links lead somewhere, its commands are there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addCommands } from '../../../cli/program.ts';
import { projectRoot } from '../../../infra/local-stack/settings.ts';
import { anchorsOf } from '../../support/markdown.ts';

const runbook = readFileSync(join(projectRoot, 'docs/runbook.md'), 'utf8');
const SOURCES = ['streams', 'state', 'processors', 'connectors', 'sink', 'gateway', 'cli'];

const code = SOURCES.flatMap((folder) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(projectRoot, folder, file), 'utf8')),
).join('\n');

describe('the runbook', () => {
  it('explains error codes that the code has', () => {
    const codes = [...runbook.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) +\|/gm)].flatMap(([, cell = '']) =>
      cell.match(/[A-Z_]+/g),
    );
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  });

  it('has links that lead somewhere', () => {
    const own = anchorsOf(runbook);
    for (const [, target = ''] of runbook.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('#')) expect(own).toContain(target.slice(1));
      else expect(existsSync(join(projectRoot, 'docs', target)), target).toBe(true);
    }
  });

  it('names commands that there are', () => {
    const program = new Command();
    addCommands(program, () => async () => undefined);
    const names = program.commands.flatMap((command) => [
      command.name(),
      ...command.commands.map((inner) => `${command.name()} ${inner.name()}`),
    ]);
    const named = [...runbook.matchAll(/npx\s+alerts ([a-z]+(?: (?:get|set|list|show|replay|drop)\b)?)/g)];
    expect(named.length).toBeGreaterThan(10);
    for (const [, command] of named) expect(names).toContain(command);
  });
});
