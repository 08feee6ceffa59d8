import { describe, expect, it } from 'vitest';
import { alertOfCells, AlertLineError, alertOfJson } from '../../../cli/alerts/alert-line.ts';
import { formatOf, readAlerts, type InputFormat, type InputLine } from '../../../cli/alerts/input.ts';
import { produceAll, type ProduceTarget } from '../../../cli/alerts/produce.ts';
import { CommandError } from '../../../cli/exit-codes.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { RetriableLogError } from '../../../streams/errors.ts';
import type { ProducedRecord } from '../../../streams/ports.ts';
import { jsonSerde } from '../../../streams/serdes.ts';

const NOW_MS = Date.UTC(2025, 10, 24, 12);

const bytes = async function* (...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
};

const json = (fields: object): RawAlert => alertOfJson(JSON.stringify(fields), NOW_MS);
const plain = { driverId: 'D-1', sourceType: 'overspeed', severity: 'low' };

describe('a line of input', () => {
  it('becomes an alert, with the metadata’s numbers as they were written', () => {
    const line = `{"driverId":"D-1","sourceType":"overspeed","severity":"LOW","timestamp":"2025-11-24 09:30:00",
      "metadata":{"speed":1.50,"id":12345678901234567890},"alertId":"a-1"}`;
    expect(alertOfJson(line, NOW_MS)).toEqual({
      ...{ ...plain, alertId: 'a-1', timestamp: Date.UTC(2025, 10, 24, 9, 30) },
      metadata: '{"speed":1.50,"id":12345678901234567890}',
    });
  });

  it('gets the present time, no metadata and no id where it has none', () => {
    expect(json(plain)).toEqual({ ...plain, alertId: null, timestamp: NOW_MS, metadata: '{}' });
    expect(json({ ...plain, timestamp: 1_700_000_000_000 }).timestamp).toBe(1_700_000_000_000);
  });

  it.each([
    ['[]', 'not a JSON object'],
    ['{', 'not valid JSON'],
    ['{"driverId":"D"}', 'sourceType is missing'],
    ['{"driverId":7}', 'driverId must be a text'],
    ['{"driverId":"D","speed":1}', 'unknown fields: speed'],
    [JSON.stringify({ ...plain, severity: 'urgent' }), 'severity is "urgent"'],
    [JSON.stringify({ ...plain, timestamp: 'soon' }), 'timestamp must be'],
    [JSON.stringify({ ...plain, metadata: 'x' }), 'metadata must be a JSON object'],
    [JSON.stringify({ ...plain, alertId: 'a:1' }), 'alertId is "a:1"'],
  ])('%s is refused', (line, said) => {
    expect(() => alertOfJson(line, NOW_MS)).toThrow(AlertLineError);
    expect(() => alertOfJson(line, NOW_MS)).toThrow(said);
  });

  it('of CSV takes an empty cell for none', () => {
    const header = ['driverId', 'sourceType', 'severity', 'timestamp', 'metadata', 'alertId'];
    const cells = ['D-1', 'overspeed', 'low', '', '{"speed": 120}', ''];
    const alert = { ...plain, alertId: null, timestamp: NOW_MS, metadata: '{"speed": 120}' };
    expect(alertOfCells(header, cells, NOW_MS)).toEqual(alert);
    expect(() => alertOfCells(header, ['D-1'], NOW_MS)).toThrow('has 1 cells');
    expect(() => alertOfCells(header, cells.with(4, 'speed'), NOW_MS)).toThrow('metadata is "speed"');
  });
});

describe('reading alerts', () => {
  const read = async (format: InputFormat, ...texts: string[]): Promise<InputLine[]> => {
    const lines: InputLine[] = [];
    for await (const line of readAlerts(bytes(...texts), format, () => NOW_MS)) lines.push(line);
    return lines;
  };

  it('goes on after a line that cannot be used, and numbers lines as they stand in the file', async () => {
    const good = JSON.stringify(plain);
    const lines = await read('json', `${good}\n\nnonsense\n${good.slice(0, 10)}`, `${good.slice(10)}\r\n`);
    expect(lines.map((line) => [line.line, 'alert' in line])).toEqual([
      [1, true],
      [3, false],
      [4, true],
    ]);
  });

  it('reads CSV under its first row', async () => {
    const lines = await read('csv', '\uFEFFdriverId,sourceType,severity\nD-1,overspeed,low\nD-2,overspeed\n');
    expect(lines).toMatchObject([
      { line: 2, alert: plain },
      { line: 3, problem: 'has 2 cells; the first row has 3' },
    ]);
  });

  it.each<[InputFormat, string, string]>([
    ['csv', 'driver,severity\n', 'must hold names out of'],
    ['csv', 'driverId,driverId\n', 'each once'],
    ['csv', 'driverId\n"x', 'has no end'],
    ['json', 'x'.repeat(2 * 1024 * 1024), 'longer than'],
  ])('refuses %s that cannot be told into lines (%#)', async (format, text, said) => {
    await expect(read(format, text)).rejects.toThrow(CommandError);
    await expect(read(format, text)).rejects.toThrow(said);
  });

  it('tells the format by the name', () => {
    expect([formatOf('a.CSV'), formatOf('a.jsonl'), formatOf('-')]).toEqual(['csv', 'json', 'json']);
  });
});

describe('producing', () => {
  const target = (send: (records: readonly ProducedRecord[]) => void): ProduceTarget => ({
    topic: 'raw-alerts',
    serializer: jsonSerde<RawAlert>(),
    producer: {
      send: async (records) => {
        send(records);
        return [];
      },
    },
    nowMs: () => NOW_MS,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, index) => JSON.stringify({ ...plain, driverId: `D-${index}` })).join('\n');

  it('sends every alert under its driver, a thousand at a time', async () => {
    const sends: (readonly ProducedRecord[])[] = [];
    const produced = await produceAll(
      bytes(`${lines(2_300)}\nnonsense`),
      'json',
      target((records) => sends.push(records)),
    );
    expect(produced).toMatchObject({ sent: 2_300, refused: 1, problems: [{ line: 2301 }] });
    expect(sends.map(({ length }) => length)).toEqual([1_000, 1_000, 300]);
    const record = sends[1]?.[5];
    expect(String(record?.key)).toBe('D-1005');
    expect(JSON.parse(Buffer.from(record?.value ?? []).toString())).toMatchObject({ driverId: 'D-1005' });
  });

  it('says how many were sent when sending fails', async () => {
    let sends = 0;
    const failing = target(() => {
      sends += 1;
      if (sends === 2) throw new RetriableLogError('X', 'Kafka is away');
    });
    await expect(produceAll(bytes(lines(1_500)), 'json', failing)).rejects.toThrow(
      'Kafka is away (1,000 alerts had been sent)',
    );
  });

  it('ends at an interruption', async () => {
    const signal = AbortSignal.abort();
    await expect(produceAll(bytes(lines(1)), 'json', { ...target(() => undefined), signal })).rejects.toThrow(
      'Interrupted',
    );
  });
});
