/** The parts of the demo: rules that are put back, tables that are compared, verdicts that notice every difference. */
import { describe, expect, it } from 'vitest';
import { CASE_ALERTS, CASE_RULES, type CaseAlert } from '../../../../infra/demo/case.ts';
import { play } from '../../../../infra/demo/play.ts';
import { ScaledRules, scaleRule } from '../../../../infra/demo/scaled-rules.ts';
import { changesBetween, EMPTY_SNAPSHOT, type Snapshot, tableText } from '../../../../infra/demo/tables.ts';
import { rulesFromFile } from '../../../../processors/rules.ts';
import type { AlertRule } from '../../../../schemas/alert-rule.ts';
import { InMemoryLog } from '../../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const TOPIC = 'alert-rules';
const json = { serialize: (_topic: string, rule: AlertRule) => Buffer.from(JSON.stringify(rule)) };

const ruleTopic = () => {
  const clock = new VirtualClock();
  const log = new InMemoryLog({ clock });
  log.createTopics([{ name: TOPIC, partitions: 1, config: {} }]);
  const client = log.client('demo');
  const producer = client.plainProducer();
  const demo = () => new ScaledRules({ topic: TOPIC, reader: client.reader(), producer, serializer: json });
  const put = (key: string, value: string | null, headers: readonly (readonly [string, Uint8Array])[] = []) =>
    producer.send([
      { topic: TOPIC, partition: 0, key: Buffer.from(key), value: value === null ? null : Buffer.from(value), headers },
    ]);
  /** What stands on the topic: the latest value and headers of each key, as text. */
  const table = () =>
    Object.fromEntries(
      log.records({ topic: TOPIC, partition: 0 }).map(({ key, value, headers }) => [
        Buffer.from(key ?? []).toString(),
        {
          value: value && Buffer.from(value).toString(),
          headers: (headers ?? []).map(([name, text]) => [name, Buffer.from(text).toString()]),
        },
      ]),
    );
  return { clock, demo, put, table };
};

describe('the scaled rules', () => {
  it('run the case on a faster clock', () => {
    const [overspeed, , , retention] = rulesFromFile(CASE_RULES).map((rule) => scaleRule(rule, 20));
    expect(overspeed).toMatchObject({ escalateIfCount: 3, windowMins: 0.1, autoCloseAfterMins: 0.2 });
    expect(retention).toMatchObject({ sourceType: '*', purgeAfterMins: 0.25, archive: true });
  });

  it('[INV-DEMO-RULES] are replaced by the former ones, values, headers and absences alike', async () => {
    const { clock, demo, put, table } = ruleTopic();
    await put('overspeed', 'former', [['rule-origin', Buffer.from('file')]]);
    await put('compliance', 'mine');
    await put('other', 'untouched');
    const before = table();
    const one = demo();
    await clock.runUntil(one.put(rulesFromFile(CASE_RULES), 20));
    expect(table()['overspeed']?.value).toContain('"windowMins":0.1');
    await clock.runUntil(one.restore());
    const absent = { value: null, headers: [] };
    expect(table()).toEqual({ ...before, feedback_negative: absent, '*': absent });
  });

  it('[INV-DEMO-RULES] give way to the former ones also when an earlier demo was killed', async () => {
    const { clock, demo, put, table } = ruleTopic();
    await put('overspeed', 'former', [['rule-origin', Buffer.from('file')]]);
    const before = table();
    await clock.runUntil(demo().put(rulesFromFile(CASE_RULES), 60));
    await clock.runUntil(demo().put(rulesFromFile(CASE_RULES), 5));
    const last = demo();
    await clock.runUntil(last.put(rulesFromFile(CASE_RULES), 20));
    await clock.runUntil(last.restore());
    expect(table()['overspeed']).toEqual(before['overspeed']);
  });

  it('leave the topic alone when none were put', async () => {
    const { clock, demo, table } = ruleTopic();
    await clock.runUntil(demo().restore());
    expect(table()).toEqual({});
  });
});

describe('the tables', () => {
  const row = (key: string, status: string) => ({ key, cells: { alert_id: key, status } });

  it('tell what came, changed and went', () => {
    const before = { ...EMPTY_SNAPSHOT, alerts: [row('a', 'OPEN'), row('b', 'OPEN')] };
    const after = { ...EMPTY_SNAPSHOT, alerts: [row('a', 'AUTO_CLOSED'), row('c', 'OPEN')] };
    expect(changesBetween(before, after).map((line) => line.replace(/ +/g, ' '))).toEqual([
      'alerts ~ AUTO_CLOSED',
      'alerts + OPEN',
      'alerts - OPEN',
    ]);
    expect(changesBetween(after, after)).toEqual([]);
  });

  it('are laid out in columns', () => {
    expect(tableText('alerts', [row('a', 'OPEN')])).toBe(
      'alerts:\n  alert_id  status\n  --------  ------\n  a         OPEN',
    );
    expect(tableText('alerts', [])).toBe('alerts: empty');
  });
});

/** A stack that decides as the case says, on the case's clock; `spoil` makes it err. */
class PerfectStack {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1));
  readonly speed = 20;
  readonly said: string[] = [];
  readonly #sent: { alert: CaseAlert; alertId: string; sentMs: number }[] = [];
  readonly #spoil: (snapshot: Snapshot) => Snapshot;

  constructor(spoil: (snapshot: Snapshot) => Snapshot = (snapshot) => snapshot) {
    this.#spoil = spoil;
  }

  play(): Promise<readonly string[]> {
    return this.clock.runUntil(
      play({
        send: async (alert) => {
          const alertId = `alert-${this.#sent.length}`;
          this.#sent.push({ alert, alertId, sentMs: this.clock.now() });
          return { alertId, status: alert.status };
        },
        look: async () => this.#spoil(this.#look()),
        say: (line) => void this.said.push(line),
        clock: this.clock,
        signal: new AbortController().signal,
        speed: this.speed,
      }),
    );
  }

  #look(): Snapshot {
    const snapshot: Record<keyof Snapshot, Snapshot['alerts'][number][]> = {
      ...{ alerts: [], alert_events: [], alerts_archive: [], alert_events_archive: [] },
    };
    for (const { alert, alertId, sentMs } of this.#sent) {
      const ageSeconds = ((this.clock.now() - sentMs) / 1000) * this.speed;
      const closed = alert.timesOut && ageSeconds >= 240;
      const gone = alert.purged && ageSeconds >= (alert.timesOut ? 540 : 300);
      const status = closed ? 'AUTO_CLOSED' : alert.status;
      const cells = { status, severity: alert.decidedSeverity, metadata: JSON.stringify(alert.metadata, null, 1) };
      const closing = { old_status: alert.status, metadata: `{"src": "${alert.sourceType}", "reason": "timeout"}` };
      snapshot[gone ? 'alerts_archive' : 'alerts'].push({ key: alertId, cells: { alert_id: alertId, ...cells } });
      const events = gone ? snapshot.alert_events_archive : snapshot.alert_events;
      events.push({ key: `${alertId}:1`, cells: { event_id: `${alertId}:1`, event_type: 'CREATED' } });
      if (closed) {
        const cellsOfClosing = { event_id: `${alertId}:2`, event_type: 'AUTO_CLOSED', ...closing };
        events.push({ key: `${alertId}:2`, cells: cellsOfClosing });
      }
    }
    return snapshot;
  }
}

const spoilCells =
  (table: keyof Snapshot, matches: string, change: Readonly<Record<string, string>>) =>
  (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    [table]: snapshot[table].map((row) =>
      Object.values(row.cells).includes(matches) ? { ...row, cells: { ...row.cells, ...change } } : row,
    ),
  });

describe('the play', () => {
  it('finds nothing amiss with a stack that does what the case says, within its time', async () => {
    const stack = new PerfectStack();
    const startMs = stack.clock.now();
    expect(await stack.play()).toEqual([]);
    expect((stack.clock.now() - startMs) / 1000).toBeLessThan(620 / 20 + 1);
    expect(stack.said.filter((line) => line.includes('POST'))).toHaveLength(CASE_ALERTS.length);
    expect(stack.said.filter((line) => line.endsWith('as it must be'))).toHaveLength(3);
  });

  it.each([
    ['a severity', spoilCells('alerts', 'critical', { severity: 'high' })],
    ['a status', spoilCells('alerts', 'ESCALATED', { status: 'OPEN' })],
    ['metadata as text', spoilCells('alerts', 'alert-0', { metadata: '{"speed":"105"}' })],
    ['why it was closed', spoilCells('alert_events', 'AUTO_CLOSED', { metadata: '{"reason":"timeout"}' })],
    ['from where it was closed', spoilCells('alert_events', 'AUTO_CLOSED', { old_status: 'RESOLVED' })],
    ['an empty archive', (snapshot: Snapshot) => ({ ...snapshot, alerts_archive: [] })],
    [
      'events that stay',
      (snapshot: Snapshot) => ({
        ...snapshot,
        alert_events: [...snapshot.alert_events, ...snapshot.alert_events_archive],
      }),
    ],
    ['alerts that go too early', (snapshot: Snapshot) => ({ ...snapshot, alerts: snapshot.alerts.slice(0, 1) })],
  ] as const)('notices %s that is not as it must be', async (_what, spoil) => {
    expect(await new PerfectStack(spoil).play()).not.toEqual([]);
  });
});
