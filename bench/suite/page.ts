/**
 * The results as a page: a table and a chart of the main comparison, and a table for every other benchmark that was run.
 *
 * Invariant: the page is made from the results file alone, so it never says what was not measured.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineFigures } from '../throughput/compare.ts';
import type { Machine } from '../support/machine.ts';
import { readResults } from './results.ts';

interface Section {
  readonly [name: string]: unknown;
  readonly date?: string;
}

interface Compared {
  readonly ours?: EngineFigures;
  readonly peer?: EngineFigures;
  readonly ratio?: number;
  readonly cpuRatio?: number;
  readonly equalOutputs?: boolean;
}

type Cell = string | number | undefined;

const GIBIBYTE = 2 ** 30;
const MEBIBYTE = 2 ** 20;

/** Writes `README.md` and `throughput.svg` beside the results. */
export function writePage(directory: string): void {
  const results = readResults(directory) as Record<string, Section>;
  const main = results['throughput']?.['details'] as Compared | undefined;
  if (main?.ours !== undefined) writeFileSync(join(directory, 'throughput.svg'), chart(main));
  writeFileSync(join(directory, 'README.md'), `${page(results).join('\n\n')}\n`);
}

function page(results: Readonly<Record<string, Section>>): string[] {
  const { cpus, model, memoryBytes } = results['machine'] as unknown as Machine;
  const versions = Object.entries(results['versions'] ?? {}).map(([name, version]) => `${name} ${String(version)}`);
  const { throughput, documentedForm, threads, keys, length } = results;
  return [
    '# Results',
    `Written by \`npm run bench\`. ${cpus} × ${model}, ${Math.round(memoryBytes / GIBIBYTE)} GiB, the broker on the same machine; ${versions.join(', ')}. ` +
      'Ratios of one run mean something; figures of different runs are not comparable.',
    ...(throughput === undefined
      ? []
      : ['## Throughput', '![alerts per second](throughput.svg)', comparisons({ throughput: flattened(throughput) })]),
    ...(documentedForm === undefined
      ? []
      : ["## The documented form of Kafka Streams' side", comparisons({ 'window store': documentedForm as Compared })]),
    ...(threads === undefined ? [] : ['## Threads', comparisons(threads as never)]),
    ...(keys === undefined ? [] : ['## Keys', comparisons(keys as never)]),
    ...(length === undefined ? [] : ['## Length of a run', comparisons(length['runs'] as Record<string, Compared>)]),
    ...rest(results),
  ];
}

/** The main comparison keeps its rates at the top and its figures below. */
const flattened = (section: Section): Compared => ({
  ...(section as Compared),
  ...(section['details'] as Compared),
});

const comparisons = (named: Readonly<Record<string, Compared>>): string =>
  table(
    ['', 'alerts/s', 'CPU s', 'broker CPU s', 'peak memory MiB', 'ratio', 'CPU ratio', 'equal outputs'],
    Object.entries(named)
      .filter(([, compared]) => typeof compared === 'object' && compared.equalOutputs !== undefined)
      .flatMap(([name, { ours, peer, ratio, cpuRatio, equalOutputs }]) => [
        [`${name}: ours`, ...figures(ours), ratio, cpuRatio, equalOutputs === true ? 'yes' : 'NO'],
        ...(peer === undefined ? [] : [[`${name}: Kafka Streams`, ...figures(peer), '', '', '']]),
      ]),
  );

const figures = (engine: EngineFigures | undefined): Cell[] => [
  engine?.recordsPerSecond,
  engine?.cpuSeconds,
  engine?.brokerCpuSeconds,
  engine?.peakResidentBytes === undefined ? undefined : Math.round(engine.peakResidentBytes / MEBIBYTE),
];

function rest({ timers, latency, gateway, sink, otherPeers }: Readonly<Record<string, Section>>): string[] {
  return [
    ...(timers === undefined
      ? []
      : [
          '## Timers, all firing',
          table(['', ''], pairs(timers, ['alerts', 'cpuMicrosPerTimer', 'timersAndAlertsPerSecond'])),
        ]),
    ...(latency === undefined ? [] : ['## From produced to readable', latencies(latency['loads'] as Load[])]),
    ...(gateway === undefined ? [] : ['## Gateway', gatewayTable(gateway)]),
    ...(sink === undefined
      ? []
      : ['## Sink beside bare inserts', table(['', ''], pairs(sink, ['alerts', 'ratio'])), sinkRounds(sink)]),
    ...(otherPeers === undefined
      ? []
      : ['## Other engines', engines(otherPeers['engines'] as Record<string, Section>)]),
  ];
}

interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Load {
  readonly rate: number;
  readonly offered: number;
  readonly event: Latency;
  readonly row: Latency;
}

const latencies = (loads: readonly Load[]): string =>
  table(
    ['alerts/s offered', 'event p50 ms', 'event p99 ms', 'row p50 ms', 'row p99 ms', 'of all alerts seen as rows'],
    loads.map(({ rate, offered, event, row }) => [
      ...[rate, event.p50Ms, event.p99Ms, row.p50Ms, row.p99Ms],
      `${Math.round((row.count / offered) * 1000) / 10} %`,
    ]),
  );

const gatewayTable = (gateway: Section): string => {
  const fixed = gateway['fixedRates'] as { rate: number; latency: Latency }[];
  const most = gateway['atMost'] as { connections: number; requestsPerSecond: number; latency: Latency };
  return table(
    ['requests/s', 'p50 ms', 'p99 ms'],
    [
      ...fixed.map(({ rate, latency }) => [`${rate} offered`, latency.p50Ms, latency.p99Ms]),
      [`${most.requestsPerSecond} answered to ${most.connections} connections`, most.latency.p50Ms, most.latency.p99Ms],
    ],
  );
};

const sinkRounds = (sink: Section): string =>
  table(
    ['bare rows/s', 'sink rows/s', 'ratio'],
    (sink['rounds'] as { bareRowsPerSecond: number; sinkRowsPerSecond: number; ratio: number }[]).map((round) => [
      ...[round.bareRowsPerSecond, round.sinkRowsPerSecond, round.ratio],
    ]),
  );

const engines = (named: Readonly<Record<string, Section>>): string =>
  table(
    ['', 'alerts/s', 'CPU s', 'guarantee', 'leaves out', 'equal outputs'],
    Object.entries(named).map(([name, engine]) => [
      name,
      ...['recordsPerSecond', 'cpuSeconds'].map((key) => engine[key] as number | undefined),
      (engine['guarantee'] as string | undefined) ?? 'exactly once',
      (engine['unavailable'] as string | undefined) ?? (engine['leavesOut'] as string | undefined) ?? '',
      engine['equalOutputs'] === undefined ? '' : engine['equalOutputs'] === true ? 'yes' : 'NO',
    ]),
  );

const pairs = (section: Section, keys: readonly string[]): Cell[][] =>
  keys.map((key) => [key, section[key] as number | undefined]);

const table = (head: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.map(cell).join(' | ')} |`)
    .join('\n');

const cell = (value: Cell): string =>
  value === undefined ? '' : typeof value === 'number' ? value.toLocaleString('en-US') : value;

const WIDTH = 640;
const BAR = 28;
const LEFT = 190;

/** Two bars to one scale. */
function chart({ ours, peer }: Compared): string {
  const bars = [
    { name: 'this engine', rate: ours?.recordsPerSecond ?? 0, fill: '#2f6f4f' },
    ...(peer === undefined
      ? []
      : [{ name: 'Kafka Streams (expert form)', rate: peer.recordsPerSecond, fill: '#8a8f98' }]),
  ];
  const scale = (WIDTH - LEFT - 110) / Math.max(...bars.map(({ rate }) => rate));
  const rows = bars.map(({ name, rate, fill }, index) => {
    const y = 12 + index * (BAR + 12);
    const width = Math.round(rate * scale);
    const text = y + BAR / 2 + 5;
    return [
      `<text x="${LEFT - 8}" y="${text}" text-anchor="end">${name}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" fill="${fill}"/>`,
      `<text x="${LEFT + width + 8}" y="${text}">${rate.toLocaleString('en-US')}/s</text>`,
    ].join('\n');
  });
  const height = 12 + bars.length * (BAR + 12);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">\n<title>Alerts per second, exactly once</title>\n${rows.join('\n')}\n</svg>\n`;
}
