/**
 * From the ledger to the totals: every step reached its group's partition once, in order per origin; every one was counted there
 * once, in the order of that partition; every group was closed at its time.
 */
import { closeAfterMs, type Step, type Total } from '../workload.ts';
import {
  parsed,
  requireContent,
  requireSame,
  text,
  Violation,
  type Evidence,
  type EvidenceRecord,
  type InputRecord,
} from './evidence.ts';
import { TotalsModel } from './models.ts';

export const groupTopic = ({ applicationId }: Evidence): string => `${applicationId}-by-group-repartition`;

/** `steps`: those of each partition of the ledger. */
export function auditGroups(evidence: Evidence, steps: readonly (readonly EvidenceRecord[])[]): void {
  const arrived = new Map<string, string[]>();
  const homes = new Map<string, number>();
  for (let partition = 0; partition < evidence.partitions; partition++) {
    for (const record of evidence.records(groupTopic(evidence), partition)) {
      const { origin, group } = parsed<Step>(record);
      requireSame(`The key of a step of group ${group}`, text(record.key), group);
      if ((homes.get(group) ?? partition) !== partition) throw new Violation(`Group ${group} is in two partitions`);
      homes.set(group, partition);
      push(arrived, `${group} from ${origin}`, `${record.timestampMs} ${text(record.value)}`);
    }
  }
  const sent = new Map<string, string[]>();
  for (const record of steps.flat()) {
    const { origin, group } = parsed<Step>(record);
    push(sent, `${group} from ${origin}`, `${record.timestampMs} ${text(record.value)}`);
  }
  for (const route of new Set([...sent.keys(), ...arrived.keys()]))
    requireSame(`What reached group ${route}`, arrived.get(route), sent.get(route));
}

/** Returns the records that it had to fail on. */
export function auditTotals(evidence: Evidence, partition: number): InputRecord[] {
  const inputs = evidence.records(groupTopic(evidence), partition);
  const model = new TotalsModel(closeAfterMs);
  let at = 0;
  for (const record of evidence.records('totals', partition)) {
    const total = parsed<Total>(record);
    const where = `totals-${partition} at offset ${record.offset}: ${total.id}`;
    if (total.id === `${total.group}@${record.timestampMs}`) followClosing(where, total, record, model);
    else at = followStep(where, total, record, inputs, at, model);
  }
  const lost = inputs.slice(at).find((input) => !parsed<Step>(input).poison);
  if (lost !== undefined)
    throw new Violation(`totals ${partition}: ${parsed<Step>(lost).id} and what follows gave no total: lost`);
  const overdue = model.earliest();
  if (overdue !== undefined && overdue.dueMs < evidence.endMs - evidence.maxSkewMs)
    throw new Violation(`totals ${partition}: the closing of ${overdue.key} at ${overdue.dueMs} never fired`);
  requireContent(
    `The store totals of ${partition}`,
    evidence.content('totals', partition),
    model.totals,
    (value) => JSON.parse(value) as unknown,
  );
  const int64 = (value: string): number => Number(Buffer.from(value, 'latin1').readBigInt64BE(0));
  requireContent(`The store closing of ${partition}`, evidence.content('closing', partition), model.closing, int64);
  return inputs.filter((input) => parsed<Step>(input).poison).map((raw) => deadStep(evidence, partition, raw));
}

function followClosing(where: string, total: Total, record: EvidenceRecord, model: TotalsModel): void {
  const earliest = model.earliest();
  if (earliest === undefined || earliest.key !== total.group || earliest.dueMs !== record.timestampMs)
    throw new Violation(`${where}: no such closing could fire here; the next is ${JSON.stringify(earliest)}`);
  if (total.systemTimeMs < earliest.dueMs) throw new Violation(`${where}: closed early, at ${total.systemTimeMs}`);
  const { group, id, systemTimeMs } = total;
  requireSame(where, total, { ...model.fire(earliest), id, group, systemTimeMs });
}

function followStep(
  where: string,
  total: Total,
  record: EvidenceRecord,
  inputs: readonly EvidenceRecord[],
  from: number,
  model: TotalsModel,
): number {
  let at = from;
  for (; at < inputs.length && parsed<Step>(inputs[at] as EvidenceRecord).poison; at++)
    model.pass((inputs[at] as EvidenceRecord).timestampMs);
  const input = inputs[at];
  if (input === undefined) throw new Violation(`${where}: nobody sent that`);
  const { id, group } = parsed<Step>(input);
  const { systemTimeMs } = total;
  const overdue = model.overdue(input.timestampMs, systemTimeMs);
  if (overdue !== undefined)
    throw new Violation(`${where}: the closing of ${overdue.key} at ${overdue.dueMs} should have fired before`);
  requireSame(where, total, { ...model.take(group, id, input.timestampMs), id, group, systemTimeMs });
  requireSame(`${where}: its time`, record.timestampMs, input.timestampMs);
  return at + 1;
}

const deadStep = (evidence: Evidence, partition: number, raw: EvidenceRecord): InputRecord => ({
  ...{ id: parsed<Step>(raw).id, topic: groupTopic(evidence), partition, raw, key: text(raw.key) },
  ...{ input: undefined, fails: 'processing' },
});

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
