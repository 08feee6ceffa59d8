/**
 * One partition of the ledger: every readable record of both topics gave one step, in order, with the right count; every reminder
 * fired once, at its time, in its place.
 */
import { rateOf } from '../inputs.ts';
import { WINDOW_MS, type Step } from '../workload.ts';
import {
  inputsOf,
  parsed,
  requireContent,
  requireSame,
  text,
  Violation,
  type Evidence,
  type EvidenceRecord,
  type InputRecord,
} from './evidence.ts';
import { LedgerModel, type ExpectedStep } from './models.ts';

/** Equal times: the first topic goes first. */
const SIDES = ['left', 'right'] as const;

interface Queue {
  readonly records: readonly InputRecord[];
  at: number;
}

export interface LedgerFindings {
  /** The steps in order, as written. */
  readonly steps: readonly EvidenceRecord[];
  readonly dead: readonly InputRecord[];
}

export function auditLedger(evidence: Evidence, partition: number): LedgerFindings {
  const records = SIDES.map((topic) => inputsOf(evidence, topic, partition));
  const steps = evidence.records('results', partition);
  requireBacklogOrder(evidence, partition, records, steps);
  const queues = new Map<string, Queue>(SIDES.map((topic, index) => [topic, { records: records[index] ?? [], at: 0 }]));
  const model = new LedgerModel(WINDOW_MS);
  for (const step of steps) follow(step, partition, queues, model);
  for (const [topic, { records, at }] of queues) {
    const lost = records.slice(at).find(({ fails }) => fails === undefined);
    if (lost !== undefined)
      throw new Violation(`${topic}-${partition}: ${lost.id} and what follows gave no result: lost`);
  }
  const overdue = model.earliest();
  if (overdue !== undefined && overdue.dueMs < evidence.endMs - evidence.maxSkewMs)
    throw new Violation(`ledger ${partition}: the reminder ${overdue.key}@${overdue.dueMs} never fired`);
  requireStores(evidence, partition, model);
  return { steps, dead: records.flat().filter(({ fails }) => fails !== undefined) };
}

function follow(
  record: EvidenceRecord,
  partition: number,
  queues: ReadonlyMap<string, Queue>,
  model: LedgerModel,
): void {
  const step = parsed<Step>(record);
  const where = `results-${partition} at offset ${record.offset}: ${step.id}`;
  const { expected, timestampMs } = step.id.includes('@')
    ? followReminder(where, step, model)
    : followRecord(where, step, queues, model);
  const rate = rateOf(expected.group);
  const { systemTimeMs } = step;
  requireSame(where, step, { ...expected, origin: partition, rate, systemTimeMs });
  requireSame(`${where}: its time`, record.timestampMs, timestampMs);
  requireSame(`${where}: its key`, text(record.key), expected.key);
}

type Followed = { readonly expected: ExpectedStep; readonly timestampMs: number };

function followReminder(where: string, { id, systemTimeMs }: Step, model: LedgerModel): Followed {
  const earliest = model.earliest();
  if (earliest === undefined || id !== `${earliest.key}@${earliest.dueMs}`) {
    const next = earliest === undefined ? 'none is set' : `the next one is ${earliest.key}@${earliest.dueMs}`;
    throw new Violation(`${where}: no such reminder could fire here: ${next}`);
  }
  if (systemTimeMs < earliest.dueMs) throw new Violation(`${where}: fired early, at ${systemTimeMs}`);
  return { expected: model.fire(earliest), timestampMs: earliest.dueMs };
}

function followRecord(where: string, step: Step, queues: ReadonlyMap<string, Queue>, model: LedgerModel): Followed {
  const queue = queues.get(step.id.split('-')[0] ?? '');
  if (queue === undefined) throw new Violation(`${where}: nobody wrote that`);
  let head = queue.records[queue.at++];
  for (; head !== undefined && head.fails !== undefined; head = queue.records[queue.at++]) model.pass(head);
  if (head?.id !== step.id) {
    const before = queue.records.slice(0, queue.at - 1).some(({ id }) => id === step.id);
    throw new Violation(
      `${where}: ${before ? 'was there before, so it is processed twice' : `${head?.id ?? 'nothing'} should come first`}`,
    );
  }
  const overdue = model.overdue(head.raw.timestampMs, step.systemTimeMs);
  if (overdue !== undefined)
    throw new Violation(`${where}: the reminder ${overdue.key}@${overdue.dueMs} should have fired before`);
  return { expected: model.take(head), timestampMs: head.raw.timestampMs };
}

/**
 * While both topics still have records that were there before the application started, nothing is open: records come in the
 * order of their times, reminders before the first record with a later time.
 */
function requireBacklogOrder(
  evidence: Evidence,
  partition: number,
  records: readonly InputRecord[][],
  steps: readonly EvidenceRecord[],
): void {
  const isBacklog = ({ id }: InputRecord): boolean => Number(id.split('-')[1]) <= evidence.lastBacklogId;
  const queues = records.map((all) => all.filter(isBacklog).filter(({ input }) => input !== undefined));
  const model = new LedgerModel(WINDOW_MS);
  const expected: string[] = [];
  for (;;) {
    const heads = queues.map(([head]) => head);
    const [left, right] = heads;
    if (left === undefined || right === undefined) break;
    const head = right.raw.timestampMs < left.raw.timestampMs ? right : left;
    for (
      let due = model.overdue(head.raw.timestampMs, evidence.endMs);
      due !== undefined;
      due = model.overdue(head.raw.timestampMs, evidence.endMs)
    )
      expected.push(model.fire(due).id);
    if (head.fails === undefined) expected.push(model.take(head).id);
    else model.pass(head);
    queues[head === left ? 0 : 1]?.shift();
  }
  const actual = steps.slice(0, expected.length).map((step) => parsed<Step>(step).id);
  requireSame(`The order of the backlog in results-${partition}`, actual, expected);
}

function requireStores({ content }: Evidence, partition: number, model: LedgerModel): void {
  const json = (value: string): unknown => JSON.parse(value);
  requireContent(`The store accounts of ${partition}`, content('accounts', partition), model.accounts, json);
  requireContent(`The store reminders of ${partition}`, content('reminders', partition), model.reminders, json);
  const windows = [...content('windows', partition)].map(([key, value]) => {
    const startMs = Buffer.from(key.slice(-8), 'latin1').readBigInt64BE(0);
    return [`${key.slice(0, -8)}@${startMs}`, value] as const;
  });
  requireContent(`The store windows of ${partition}`, new Map(windows), model.windows, json);
}
