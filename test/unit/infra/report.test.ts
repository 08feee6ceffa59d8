/** What the person at the terminal sees. */
import { describe, expect, it } from 'vitest';
import { createReporter } from '../../../infra/local-stack/report.ts';
import { renderTable } from '../../../infra/local-stack/table.ts';

function capture(isTTY: boolean): { written: () => string; output: { isTTY: boolean; write(text: string): void } } {
  const texts: string[] = [];
  return { written: () => texts.join(''), output: { isTTY, write: (text) => void texts.push(text) } };
}

describe('the reporter', () => {
  it('rewrites one line on a terminal, and clears it for what stays', () => {
    const { written, output } = capture(true);
    const reporter = createReporter(output);
    reporter.progress('1 file');
    reporter.progress('2 files');
    reporter.line('done');
    expect(written()).toBe('\r\u001b[2K1 file\r\u001b[2K2 files\r\u001b[2Kdone\n');
  });

  it('writes plain lines elsewhere, one in five seconds, none twice', () => {
    const { written, output } = capture(false);
    let nowMs = 0;
    const reporter = createReporter(output, () => nowMs);
    for (let second = 0; second < 12; second += 1) {
      nowMs = second * 1000;
      reporter.progress(`${second} files`);
    }
    nowMs = 60_000;
    reporter.progress('10 files');
    reporter.line('done');
    expect(written()).toBe('0 files\n5 files\n10 files\ndone\n');
  });
});

describe('the table of what runs where', () => {
  it('lines up its columns', () => {
    const rows = [
      { name: 'kafka', address: '127.0.0.1:9092', state: 'ready', pid: '7', log: '.data/logs/kafka.log' },
      { name: 'registry', address: 'http://127.0.0.1:8081', state: 'given', pid: '-', log: '-' },
    ];
    expect(renderTable(rows).split('\n')).toEqual([
      'name      address                state  pid  log',
      '--------  ---------------------  -----  ---  --------------------',
      'kafka     127.0.0.1:9092         ready  7    .data/logs/kafka.log',
      'registry  http://127.0.0.1:8081  given  -    -',
    ]);
  });
});
