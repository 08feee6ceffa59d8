import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { CommandError, EXIT_CODES, exitCodeOf, messageFor } from '../../../cli/exit-codes.ts';
import { ConfigError } from '../../../connectors/config/settings.ts';
import { FatalLogError, RetriableLogError } from '../../../streams/errors.ts';
import { runAlerts } from '../../support/cli-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'alerts-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => runAlerts({ DATA_DIR: folder }, args);

describe('the alerts command line', () => {
  const commands = ['up', 'down', 'status', 'lag', 'describe', 'topics', 'produce', 'events', 'query', 'rules get'];
  commands.push('rules set', 'rules remove', 'rules validate', 'dlq list', 'dlq show', 'dlq replay', 'dlq drop');
  commands.push('replay', 'reset', 'backup', 'restore', 'bench');

  it.each(commands)('explains %s and its --json', async (command) => {
    const { exitCode, stdout, stderr } = await run(...command.split(' '), '--help');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`Usage: alerts ${command}`);
    expect(stdout).toContain('--json');
  });

  it('tells the exit codes', async () => {
    const { stdout } = await run('--help');
    for (const code of Object.values(EXIT_CODES)) expect(stdout).toMatch(new RegExp(`^  ${code} `, 'm'));
  });

  it.each([
    [['no-such-command'], "unknown command 'no-such-command'"],
    [['query'], "missing required argument 'driver-id'"],
    [['query', 'D-1', '--limit', '0'], 'Allowed is a whole number from 1 to 1000'],
    [['query', 'D-1', '--status', 'NEW'], 'Allowed choices are OPEN'],
    [['replay', '--from', 'yesterday'], '--from'],
    [['dlq', 'show', 'x'], 'partition:offset'],
    [['dlq', 'replay'], 'Give ids, or --all'],
    [['dlq', 'replay', '3', '--all'], 'Give ids, or --all'],
    [['rules', 'set', 'overspeed'], 'Give a source type and its rule, or --file'],
    [['rules', 'set', 'overspeed', '{escalate_if_count: 3}'], 'The rule is not JSON'],
    [['rules', 'set', 'overspeed', '{"escalate_if_count": 3}'], 'escalate_if_count is set without window_mins'],
    [['replay', '--from', '2025-01-02', '--to', '2025-01-01'], '--from must lie before --to'],
    [['restore', 'no-such-file.sql.gz'], 'cannot be used as a backup'],
  ])('refuses %j as a mistake of usage, before anything is done', async (args, said) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT_CODES.usage, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  it('shows the topology as text, as Mermaid and as JSON, without any service', async () => {
    expect((await run('describe')).stdout).toContain('Source: raw-alerts-source (topics: [raw-alerts])');
    expect((await run('describe', '--mermaid')).stdout).toMatch(/^flowchart LR/);
    expect((await run('describe', 'incidents')).stdout).toContain('topics: [incident-commands]');
    expect((await run('describe', 'log-alerting', '--mermaid')).stdout).toContain('log-events');
    expect((await run('describe', 'nothing')).exitCode).toBe(2);
    const { stdout } = await runAlerts({ TOPIC_PREFIX: 'mine-' }, ['describe', '--json']);
    expect((JSON.parse(stdout) as { topology: string }).topology).toContain('topics: [mine-raw-alerts]');
  });

  it('says whether a rules file can be used', async () => {
    const good = join(folder, 'good.json');
    const bad = join(folder, 'bad.json');
    writeFileSync(good, '{"overspeed": {"escalate_if_count": 3, "window_mins": 2}}');
    writeFileSync(bad, '{"overspeed": {"escalate_if_count": 0, "window_mins": 2}, "x": {"escalate": 1}}');
    const valid = await run('rules', 'validate', good);
    expect(valid.exitCode).toBe(0);
    expect(valid.stdout).toContain('1 entry');
    const { exitCode, stdout } = await run('rules', 'validate', bad, '--json');
    expect(exitCode).toBe(EXIT_CODES.failed);
    expect((JSON.parse(stdout) as { problems: string[] }).problems).toHaveLength(3);
    expect((await run('rules', 'validate', join(folder, 'none.json'))).exitCode).toBe(EXIT_CODES.usage);
  });

  it('says that nothing runs where nothing runs', async () => {
    const { exitCode, stdout } = await run('down', '--json');
    expect([exitCode, (JSON.parse(stdout) as { stopped: boolean }).stopped]).toEqual([0, false]);
  });

  it('tells a service that is away from a mistake', async () => {
    const { exitCode, stderr } = await runAlerts({ MYSQL_URL: 'mysql://alerts:secret@127.0.0.1:9/alerts' }, [
      'query',
      'D-1',
    ]);
    expect(exitCode).toBe(EXIT_CODES.unavailable);
    expect(stderr).toContain('ECONNREFUSED');
    expect(stderr).not.toContain('secret');
  });
});

describe('an exit code', () => {
  it.each([
    [new CommandError(EXIT_CODES.refused, 'no'), 4, 'no'],
    [new CommanderError(1, 'commander.unknownCommand', 'error: unknown'), 2, undefined],
    [new CommanderError(0, 'commander.helpDisplayed', ''), 0, undefined],
    [new ConfigError(['KAFKA_PORT is "x"']), 2, 'KAFKA_PORT is "x"'],
    [new RetriableLogError('X', 'away'), 3, 'away'],
    [new FatalLogError('X', 'never'), 1, 'never'],
    ['thrown text', 1, 'thrown text'],
  ])('of %s is %i', (error, code, message) => {
    expect(exitCodeOf(error)).toBe(code);
    expect(messageFor(error)).toBe(message);
  });

  it('of a fault of the program is 1, with the place where it happened', () => {
    const error = new TypeError('undefined is not a function');
    expect(exitCodeOf(error)).toBe(1);
    expect(messageFor(error)).toMatch(/command-line\.test/);
  });
});
