/**
 * The naive auditor: what the simulated application must have written and must hold, from its inputs alone.
 *
 * It knows the application's rules and nothing of the engine. Where the inputs leave the order open (two topics that are written
 * while they are read; a reminder that falls due while records arrive) it follows the order that the results show, and
 * requires that it is one of the orders allowed; everything else is then determined and compared exactly.
 */
import { requireSame, text, type Evidence, type EvidenceRecord, type InputRecord } from './evidence.ts';
import { auditLedger } from './ledger-audit.ts';
import { auditGroups, auditTotals } from './totals-audit.ts';

/** Throws a `Violation` in words when something is lost, doubled, out of order or wrong. */
export function audit(evidence: Evidence): void {
  const partitions = Array.from({ length: evidence.partitions }, (_, partition) => partition);
  const ledgers = partitions.map((partition) => auditLedger(evidence, partition));
  auditGroups(
    evidence,
    ledgers.map(({ steps }) => steps),
  );
  const dead = partitions.flatMap((partition) => auditTotals(evidence, partition));
  auditDeadLetters(evidence, [...ledgers.flatMap((ledger) => ledger.dead), ...dead]);
}

/** Each record that cannot pass is there once, whole and with its place, in the order of its partition. */
function auditDeadLetters(evidence: Evidence, dead: readonly InputRecord[]): void {
  const found = evidence.records('dead-letters', 0).map((letter) => {
    const place = ['topic', 'partition', 'offset'].map((name) => header(letter, name)).join('-');
    return [
      place,
      header(letter, 'stage'),
      header(letter, 'application'),
      letter.timestampMs,
      text(letter.key),
      text(letter.value),
    ];
  });
  const expected = dead.map(({ topic, partition, raw, fails, key }) => [
    ...[`${topic}-${partition}-${raw.offset}`, fails, evidence.applicationId, raw.timestampMs, key, text(raw.value)],
  ]);
  const bySource = (letters: readonly (readonly unknown[])[]): unknown[] =>
    [...letters].sort((a, b) => compare(sourceOf(a), sourceOf(b)));
  requireSame('The dead letters by source', bySource(found), bySource(expected));
}

const sourceOf = ([place]: readonly unknown[]): string => String(place).replace(/-\d+$/, '');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const header = ({ headers }: EvidenceRecord, name: string): string =>
  text(headers?.find(([header]) => header === `__streams.errors.${name}`)?.[1] ?? null);
