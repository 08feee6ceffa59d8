/**
 * The application's rules once more, as plainly as can be: maps and loops.
 */
import type { InputRecord } from './evidence.ts';

export interface Account {
  count: number;
  digest: number;
}

const startOver = (): Account => ({ count: 0, digest: 7 });

function count(account: Account, id: string): Account {
  let { digest } = account;
  for (const letter of id) digest = Number((BigInt(digest) * 31n + BigInt(letter.charCodeAt(0))) & 0xffffffffn);
  return { count: account.count + 1, digest };
}

export interface DueEntry {
  readonly key: string;
  readonly dueMs: number;
}

/** By due time, then by key. */
function earliestOf(entries: Iterable<DueEntry>): DueEntry | undefined {
  let earliest: DueEntry | undefined;
  for (const entry of entries) {
    const before =
      earliest === undefined ||
      entry.dueMs < earliest.dueMs ||
      (entry.dueMs === earliest.dueMs && entry.key < earliest.key);
    if (before) earliest = entry;
  }
  return earliest;
}

/** What a step of the ledger says, as far as it is determined. */
export interface ExpectedStep {
  readonly count: number;
  readonly digest: number;
  readonly id: string;
  readonly key: string;
  readonly group: string;
  readonly inWindow: number;
  readonly poison: boolean;
}

export class LedgerModel {
  readonly accounts = new Map<string, Account>();
  readonly windows = new Map<string, number>();
  readonly reminders = new Map<string, { dueMs: number; delayMs: number; timesLeft: number; group: string }>();
  readonly #windowMs: number;
  /** Highest event time that was certainly seen. */
  streamTimeMs = -1;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  earliest(): DueEntry | undefined {
    return earliestOf([...this.reminders].map(([key, { dueMs }]) => ({ key, dueMs })));
  }

  /** The earliest reminder, if it has to come before a record of that time. */
  overdue(timestampMs: number, systemTimeMs: number): DueEntry | undefined {
    const earliest = this.earliest();
    const eventTimeMs = Math.max(this.streamTimeMs, timestampMs);
    return earliest !== undefined && earliest.dueMs < eventTimeMs && earliest.dueMs <= systemTimeMs
      ? earliest
      : undefined;
  }

  /** A record that has no effect but the passing of time. */
  pass({ input, raw }: InputRecord): void {
    if (input !== undefined) this.streamTimeMs = Math.max(this.streamTimeMs, raw.timestampMs);
  }

  take(record: InputRecord): ExpectedStep {
    this.pass(record);
    const { key, input, raw, id } = record;
    if (input === undefined) throw new Error(`${id} cannot be taken`);
    const account = count(this.accounts.get(key) ?? startOver(), id);
    this.accounts.set(key, account);
    const window = `${key}@${Math.floor(raw.timestampMs / this.#windowMs) * this.#windowMs}`;
    const inWindow = (this.windows.get(window) ?? 0) + 1;
    this.windows.set(window, inWindow);
    const { kind, group, delayMs, times } = input;
    if (kind === 'clear') this.accounts.delete(key);
    if (kind === 'forget') this.reminders.delete(key);
    if (kind === 'remind')
      this.reminders.set(key, { dueMs: raw.timestampMs + delayMs, delayMs, timesLeft: times - 1, group });
    return { ...account, id, key, group, inWindow, poison: kind === 'poison' };
  }

  fire({ key, dueMs }: DueEntry): ExpectedStep {
    const reminder = this.reminders.get(key);
    if (reminder === undefined) throw new Error(`${key} has no reminder`);
    const { delayMs, timesLeft, group } = reminder;
    if (timesLeft === 0) this.reminders.delete(key);
    else this.reminders.set(key, { dueMs: dueMs + delayMs, delayMs, timesLeft: timesLeft - 1, group });
    const id = `${key}@${dueMs}`;
    const account = count(this.accounts.get(key) ?? startOver(), id);
    this.accounts.set(key, account);
    return { ...account, id, key, group, inWindow: 0, poison: false };
  }
}

export class TotalsModel {
  readonly totals = new Map<string, Account>();
  readonly closing = new Map<string, number>();
  readonly #closeAfterMs: (group: string) => number;
  streamTimeMs = -1;

  constructor(closeAfterMs: (group: string) => number) {
    this.#closeAfterMs = closeAfterMs;
  }

  earliest(): DueEntry | undefined {
    return earliestOf([...this.closing].map(([key, dueMs]) => ({ key, dueMs })));
  }

  overdue(timestampMs: number, systemTimeMs: number): DueEntry | undefined {
    const earliest = this.earliest();
    const eventTimeMs = Math.max(this.streamTimeMs, timestampMs);
    return earliest !== undefined && earliest.dueMs < eventTimeMs && earliest.dueMs <= systemTimeMs
      ? earliest
      : undefined;
  }

  pass(timestampMs: number): void {
    this.streamTimeMs = Math.max(this.streamTimeMs, timestampMs);
  }

  take(group: string, id: string, timestampMs: number): Account {
    this.pass(timestampMs);
    const account = count(this.totals.get(group) ?? startOver(), id);
    this.totals.set(group, account);
    if (account.count === 1) this.closing.set(group, timestampMs + this.#closeAfterMs(group));
    return account;
  }

  fire({ key: group }: DueEntry): Account {
    const account = this.totals.get(group) ?? startOver();
    this.totals.delete(group);
    this.closing.delete(group);
    return account;
  }
}
