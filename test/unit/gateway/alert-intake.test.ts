/** Taking alerts in, on the in-memory log and a clock that moves when told. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlertIntake, type IdentifiedAlert, PENDING } from '../../../gateway/alerts/alert-intake.ts';
import { DecisionTail } from '../../../gateway/decision/decision-tail.ts';
import { DecisionWaiters } from '../../../gateway/decision/waiters.ts';
import { ApiError } from '../../../gateway/http/api-error.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import type { AlertStatus } from '../../../schemas/vocabulary.ts';
import type { Fault } from '../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { decideOnAlerts, EVENTS, jsonSerde, RAW, recordingLogger } from './support.ts';

const START_MS = Date.parse('2026-11-24T10:00:00Z');

const alert = (alertId: string, driverId = 'TEST-01'): IdentifiedAlert => ({
  alertId,
  driverId,
  sourceType: 'overspeed',
  severity: 'medium',
  timestamp: START_MS,
  metadata: '{"speed":121}',
});

class World {
  readonly clock = new VirtualClock(START_MS);
  readonly faults = { send: { before: undefined as Fault | undefined, after: undefined as Fault | undefined } };
  readonly log: InMemoryLog;
  readonly waiters: DecisionWaiters;
  readonly stop = new AbortController();
  readonly logger = recordingLogger();
  readonly readModel = new Map<string, string>();
  readModelIsAway = false;
  decide: (alert: RawAlert) => readonly AlertStatus[] = () => ['OPEN'];

  constructor({ fetchMaxRecords = 1_000, capacity = 10 } = {}) {
    this.log = new InMemoryLog({
      clock: this.clock,
      fetchMaxRecords,
      faults: {
        before: ({ kind }) => (kind === 'producer.send' ? this.faults.send.before : undefined),
        after: ({ kind }) => (kind === 'producer.send' ? this.faults.send.after : undefined),
      },
    });
    this.log.createTopics([RAW, EVENTS].map((name) => ({ name, partitions: 3, config: {} })));
    this.waiters = new DecisionWaiters(capacity);
  }

  async start(): Promise<DecisionTail> {
    const client = this.log.client('gateway');
    const tail = new DecisionTail({
      reader: client.reader(),
      admin: client.admin(),
      topic: EVENTS,
      events: jsonSerde<LifecycleEvent>(),
      waiters: this.waiters,
      clock: this.clock,
      logger: this.logger,
      metrics: silentMetrics,
      restartPauseMs: 100,
    });
    void tail.run(this.stop.signal);
    void decideOnAlerts(this.log.client('processor'), (each) => this.decide(each), this.stop.signal);
    await this.clock.settle();
    return tail;
  }

  intake(): AlertIntake {
    return new AlertIntake({
      producer: this.log.client('gateway').plainProducer(),
      topic: RAW,
      alerts: jsonSerde<RawAlert>(),
      waiters: this.waiters,
      lookUpStatus: async (alertId) => {
        if (this.readModelIsAway) throw new Error('away');
        return this.readModel.get(alertId);
      },
      clock: this.clock,
      metrics: silentMetrics,
      produceTimeoutMs: 5_000,
      decisionTimeoutMs: 2_000,
    });
  }

  produced(): readonly RawAlert[] {
    const serde = jsonSerde<RawAlert>();
    return [0, 1, 2].flatMap((partition) =>
      this.log.records({ topic: RAW, partition }).map(({ value }) => serde.deserialize(RAW, value)),
    );
  }
}

describe('alert intake', () => {
  let world = new World();
  beforeEach(() => void (world = new World()));
  afterEach(() => world.stop.abort());

  const submit = (each: IdentifiedAlert, mayBeKnown = false) =>
    world.clock.runUntil(world.intake().submit(each, mayBeKnown, silentLogger));

  it.each<[AlertStatus, readonly AlertStatus[]]>([
    ['OPEN', ['OPEN']],
    ['ESCALATED', ['OPEN', 'ESCALATED']],
    ['AUTO_CLOSED', ['OPEN', 'AUTO_CLOSED']],
  ])('answers %s after the events %j, also when each is fetched alone', async (status, statuses) => {
    for (const fetchMaxRecords of [1, 1_000]) {
      world = new World({ fetchMaxRecords });
      world.decide = () => statuses;
      await world.start();
      expect(await submit(alert('a'))).toBe(status);
      expect(world.clock.now()).toBe(START_MS);
      expect(world.produced()).toEqual([alert('a')]);
      expect(world.waiters.size).toBe(0);
      world.stop.abort();
    }
  });

  it('answers each of many requests at once with the state of its own alert', async () => {
    world = new World({ capacity: 200 });
    const statusOf = (id: string): AlertStatus => (Number(id) % 3 === 0 ? 'ESCALATED' : 'OPEN');
    world.decide = ({ alertId }) => (statusOf(alertId ?? '') === 'OPEN' ? ['OPEN'] : ['OPEN', 'ESCALATED']);
    await world.start();
    const intake = world.intake();
    const ids = Array.from({ length: 200 }, (_, index) => String(index));
    const answers = await world.clock.runUntil(
      Promise.all(ids.map((id) => intake.submit(alert(id, `driver-${Number(id) % 7}`), false, silentLogger))),
    );
    expect(answers).toEqual(ids.map(statusOf));
  });

  it('answers PENDING after the wait when no decision comes and the read model knows nothing, or is away', async () => {
    world.decide = () => [];
    await world.start();
    expect(await submit(alert('a'))).toBe(PENDING);
    expect(world.clock.now()).toBe(START_MS + 2_000);
    world.readModelIsAway = true;
    expect(await submit(alert('b'))).toBe(PENDING);
    expect(world.waiters.size).toBe(0);
  });

  it('finds the status of a repeated id in the read model, at once where a repeat is to be expected', async () => {
    world.decide = () => [];
    world.readModel.set('a', 'ACKNOWLEDGED');
    await world.start();
    expect(await submit(alert('a'), true)).toBe('ACKNOWLEDGED');
    expect(world.clock.now()).toBe(START_MS);
    expect(await submit(alert('a'), false)).toBe('ACKNOWLEDGED');
    expect(world.clock.now()).toBe(START_MS + 2_000);
  });

  it('[INV-GATEWAY-ACCEPTED] refuses with 503 and the alert id when the log does not confirm the alert', async () => {
    world.decide = () => [];
    await world.start();
    const refused = { statusCode: 503, code: 'ALERT_NOT_CONFIRMED', details: { alertId: 'a' }, retryAfterSeconds: 2 };
    for (const fault of [
      { before: { then: 'fail' } },
      { after: { then: 'fail' } },
      { before: { delayMs: 9_000 } },
    ] as const) {
      Object.assign(world.faults.send, { before: undefined, after: undefined }, fault);
      const began = world.clock.now();
      const error = await submit(alert('a')).catch((rejected: unknown) => rejected);
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject(refused);
      expect(world.clock.now() - began).toBeLessThanOrEqual(5_000);
      expect(world.waiters.size).toBe(0);
    }
  });

  it('answers with the decision when only the confirmation of the log was slow', async () => {
    await world.start();
    world.faults.send.after = { delayMs: 4_000 };
    expect(await submit(alert('a'))).toBe('OPEN');
    expect(world.clock.now()).toBe(START_MS);
  });

  it('refuses with 503 without sending anything when all places are taken', async () => {
    world = new World({ capacity: 1 });
    world.decide = () => [];
    await world.start();
    const intake = world.intake();
    const first = intake.submit(alert('a'), false, silentLogger);
    await expect(intake.submit(alert('b'), false, silentLogger)).rejects.toMatchObject({
      statusCode: 503,
      code: 'TOO_MANY_WAITING',
    });
    expect(await world.clock.runUntil(first)).toBe(PENDING);
    expect(world.produced().map(({ alertId }) => alertId)).toEqual(['a']);
  });

  it('goes on following after events that cannot be decoded', async () => {
    await world.start();
    const poison = world.log.client('stranger').plainProducer();
    const pending = world.intake().submit(alert('a'), false, silentLogger);
    await poison.send([{ topic: EVENTS, key: Buffer.from('TEST-01'), value: Buffer.from('rubbish') }]);
    expect(await world.clock.runUntil(pending)).toBe('OPEN');
    expect(await submit(alert('b'))).toBe('OPEN');
    expect(world.logger.lines.map(({ message }) => message)).toContain('lifecycle events cannot be decoded');
  });

  it('knows how far the tail is behind the events', async () => {
    const tail = await world.start();
    await submit(alert('a'));
    await world.clock.settle();
    expect(await tail.lag()).toBe(0);
  });
});
