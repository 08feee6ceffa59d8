/**
 * Puts the figures of the recovery benchmarks and of the mutation runs into docs/faults.md, between the marks that say which:
 *
 *     node bench/recovery/report.ts
 *
 * Invariant: every figure there comes out of bench/results; what is not there is not told.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../support/machine.ts';

interface ComingUp {
  readonly firstRecordMs: number;
  readonly everyPartitionMs: number;
  readonly restoredRecords: number;
  readonly restoredBytes: number;
}

interface Measured {
  readonly date: string;
  readonly machine: Machine;
}

interface Restart extends Measured {
  readonly settings: { readonly alerts: number; readonly threads: number; readonly partitions: number };
  readonly changelogs: { readonly records: number };
  readonly killed: readonly ComingUp[];
  readonly cold: ComingUp & { readonly recordsPerSecond: number };
  readonly peer?: {
    readonly records: number;
    readonly recordsPerSecond: number;
    readonly startToFirstRecordSeconds: number;
  };
}

interface Memory extends Measured {
  readonly settings: {
    readonly keys: number;
    readonly alerts: number;
    readonly stallSeconds: number;
    readonly budgetMib: number;
  };
  readonly peaksMib: Readonly<Record<string, number>>;
  readonly highestMib: number;
}

interface Rolling extends Measured {
  readonly partitions: number;
  readonly threads: number;
  readonly rate: number;
  readonly alerts: number;
  readonly events: number;
  readonly stages: readonly { readonly stage: string; readonly pauseMs: readonly number[] }[];
  readonly takeover: readonly {
    readonly taskId: string;
    readonly records: number;
    readonly bytes: number;
    readonly durationMs: number;
  }[];
}

interface Found {
  readonly name: string;
  readonly bug: string;
  readonly seeds?: number;
}

const root = join(import.meta.dirname, '../..');
const results = join(root, 'bench/results');
const document = join(root, 'docs/faults.md');

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const seconds = (ms: number): string => (ms / 1000).toFixed(1);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const measuredOn = ({ date, machine }: Measured): string =>
  `Measured ${date.slice(0, 10)} on ${machine.cpus} cores (${machine.model ?? 'unknown'}), ` +
  `${whole(machine.memoryBytes / 2 ** 30)} GiB; broker, registry and load on the same machine.`;

function restart(measured: Restart): string {
  const { settings, changelogs, killed, cold, peer } = measured;
  const row = (what: string, { firstRecordMs, everyPartitionMs, restoredRecords, restoredBytes }: ComingUp) => [
    ...[what, seconds(firstRecordMs), seconds(everyPartitionMs), whole(restoredRecords), whole(restoredBytes)],
  ];
  const lines = [
    `${whole(settings.alerts)} alerts are open; ${settings.partitions} partitions, ${settings.threads} threads, ` +
      `${whole(changelogs.records)} records in the changelogs. ${measuredOn(measured)}`,
    '',
    table(
      ['start', 'first new record (s)', 'every partition (s)', 'records restored', 'bytes restored'],
      [...killed.map((one, index) => row(`after kill -9, ${index + 1}`, one)), row('on an empty disk', cold)],
    ),
    '',
    `On the empty disk that is ${whole(cold.recordsPerSecond)} records/s.`,
  ];
  if (peer !== undefined) {
    lines.push(
      `The Kafka Streams peer in the same run, on a changelog of its own of ${whole(peer.records)} records: ` +
        `${whole(peer.recordsPerSecond)} records/s, ${peer.startToFirstRecordSeconds.toFixed(1)} s from its start to its first record.`,
    );
  }
  return lines.join('\n');
}

function memory(measured: Memory): string {
  const { settings, peaksMib, highestMib } = measured;
  return [
    `${whole(settings.alerts)} alerts of ${whole(settings.keys)} drivers; the broker is stopped for ${settings.stallSeconds} s in the ` +
      `middle of it (SIGSTOP). State budget ${settings.budgetMib} MiB. ${measuredOn(measured)}`,
    '',
    table(
      ['phase', 'most resident memory (MiB)'],
      [...Object.entries(peaksMib).map(([phase, mib]) => [phase, whole(mib)]), ['ever', whole(highestMib)]],
    ),
  ].join('\n');
}

function rolling(measured: Rolling): string {
  const { partitions, threads, rate, alerts, events, stages, takeover } = measured;
  const restored = takeover.map(
    ({ taskId, records, bytes, durationMs }) =>
      `${taskId}: ${whole(records)} records, ${whole(bytes)} bytes, ${durationMs} ms`,
  );
  return [
    `Three processors of ${threads} threads, ${partitions} partitions, one warm copy of each task, ${rate} alerts/s; ` +
      `${whole(alerts)} alerts and ${whole(events)} events audited, nothing lost, nothing twice. ${measuredOn(measured)}`,
    '',
    table(
      ['stage', ...Array.from({ length: partitions }, (_, partition) => `partition ${partition} (s)`)],
      stages.map(({ stage, pauseMs }) => [stage, ...pauseMs.map(seconds)]),
    ),
    '',
    `Restored by those who took over: ${restored.join('; ') || 'nothing'}.`,
  ].join('\n');
}

const mutations = (found: readonly Found[]): string =>
  table(
    ['bug', 'what the engine does wrong', 'seeds'],
    found.map(({ name, bug, seeds: taken }) => [`\`${name}\``, bug, String(taken ?? 'not found')]),
  );

const read = <T>(file: string): T | undefined => {
  const path = join(results, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
};

const recovery = read<{ restart?: Restart; memory?: Memory; rolling?: Rolling }>('recovery.json') ?? {};
const found = read<readonly Found[]>('mutations.json');
const sections: Readonly<Record<string, string | undefined>> = {
  restart: recovery.restart && restart(recovery.restart),
  memory: recovery.memory && memory(recovery.memory),
  rolling: recovery.rolling && rolling(recovery.rolling),
  mutations: found && mutations(found),
};

let text = readFileSync(document, 'utf8');
for (const [name, content] of Object.entries(sections)) {
  const marked = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!marked.test(text)) throw new Error(`${document} has no marks for "${name}".`);
  if (content !== undefined)
    text = text.replace(marked, (_, open: string, close: string) => `${open}\n${content}\n\n${close}`);
}
writeFileSync(document, text);
