import { afterEach, describe, expect, test } from 'vitest';
import type { AlertCommand } from '../../../schemas/alert-command.ts';
import type { CommandResult } from '../../../schemas/command-result.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { jsonSerde, stringSerde } from '../../../streams/serdes.ts';
import { TopologyTestDriver } from '../../../streams/testing/topology-test-driver.ts';
import { withAlertCommands } from '../../../topologies/alert-commands.ts';
import { alertEscalationTopology } from '../../../topologies/alert-escalation.ts';
import { alertTopics } from '../../../topologies/topics.ts';
import { policy } from '../../support/incident-system.ts';
import { alertAt, CASE_RULES, HOUR, MINUTE, ruleOf, START_MS } from '../processors/support.ts';

class World {
  readonly driver: TopologyTestDriver;
  readonly events: LifecycleEvent[] = [];
  readonly passedOn: LifecycleEvent[] = [];
  readonly results: CommandResult[] = [];
  readonly #outputs;

  constructor(driver: TopologyTestDriver) {
    this.driver = driver;
    this.#outputs = {
      events: driver.outputTopic('alert-events', stringSerde, jsonSerde<LifecycleEvent>()),
      passedOn: driver.outputTopic('driver-escalations', stringSerde, jsonSerde<LifecycleEvent>()),
      results: driver.outputTopic('alert-command-results', stringSerde, jsonSerde<CommandResult>()),
    };
  }

  async put(topic: string, key: string, value: unknown): Promise<void> {
    await this.driver.inputTopic(topic, stringSerde, jsonSerde()).pipe(key, value);
    this.events.push(...(await this.#outputs.events.read()).map(({ value: event }) => event));
    this.passedOn.push(...(await this.#outputs.passedOn.read()).map(({ value: event }) => event));
    this.results.push(...(await this.#outputs.results.read()).map(({ value: result }) => result));
  }

  async alert(alertId: string, timestamp = START_MS): Promise<void> {
    await this.put('raw-alerts', 'D-1', { ...alertAt(timestamp), alertId, driverId: 'D-1' });
  }

  async command(alertId: string, commandType: string, rest: Partial<AlertCommand> = {}): Promise<CommandResult> {
    const command = {
      ...{ commandId: `c${this.results.length}`, commandType, alertId, driverId: 'D-1', text: null, actor: null },
      ...{ timestamp: this.driver.clock.now(), alertUpdatedAt: START_MS, ...rest },
    };
    await this.put('alert-commands', 'D-1', command);
    return this.results.at(-1) as CommandResult;
  }
}

const running: TopologyTestDriver[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((driver) => driver.close()));
});

const start = async (): Promise<World> => {
  const serdes = {
    ...{ rawAlert: jsonSerde<never>(), lifecycleEvent: jsonSerde<LifecycleEvent>(), alertRule: jsonSerde<never>() },
    ...{ alertCommand: jsonSerde<AlertCommand>(), commandResult: jsonSerde<CommandResult>() },
  };
  const driver = await TopologyTestDriver.start({
    topology: withAlertCommands(alertEscalationTopology({ serdes }), { serdes }),
    stateFactory: new MemoryBackendFactory(),
    topicConfigs: Object.fromEntries(alertTopics(1).map(({ name, config }) => [name, config])),
    startTimeMs: START_MS,
  });
  running.push(driver);
  const world = new World(driver);
  await world.put('alert-rules', 'overspeed', { ...ruleOf(CASE_RULES.overspeed) });
  return world;
};

const steps = ({ events }: World) => events.map(({ eventType, newStatus }) => `${eventType} ${newStatus}`);

describe('commands on driver alerts', () => {
  test.each([
    ['ACKNOWLEDGE', 'ACKNOWLEDGED'],
    ['RESOLVE', 'RESOLVED'],
  ])('[INV-ALERT-COMMAND-TIMER] %s is carried out and stops the timer', async (commandType, status) => {
    const world = await start();
    await world.alert('a1');
    const result = await world.command('a1', commandType, { actor: 'anna', timestamp: START_MS + MINUTE });
    expect([result.outcome, JSON.parse(result.subject ?? '')]).toEqual([
      'APPLIED',
      { alertId: 'a1', driverId: 'D-1', sourceType: 'overspeed', severity: 'medium', status, sequence: 2 },
    ]);
    await world.driver.advanceWallClock(10 * HOUR);
    await world.command('a1', 'COMMENT', { text: 'Called the driver' });
    expect(steps(world)).toEqual(['CREATED OPEN', `${status} ${status}`, `COMMENTED ${status}`]);
    expect(world.events[1]).toMatchObject({ eventId: 'a1:2', reason: 'command', timestamp: START_MS + MINUTE });
    expect(JSON.parse(world.events[1]?.metadata ?? '')).toEqual({ reason: 'command', src: 'overspeed', actor: 'anna' });
  });

  test('a comment leaves status and timer alone', async () => {
    const world = await start();
    await world.alert('a1');
    await world.command('a1', 'COMMENT', { text: 'Calling', actor: 'anna' });
    await world.driver.advanceWallClock(4 * MINUTE);
    await world.command('a1', 'COMMENT', { text: 'No answer' });
    expect(steps(world)).toEqual([
      'CREATED OPEN',
      'COMMENTED OPEN',
      'AUTO_CLOSED AUTO_CLOSED',
      'COMMENTED AUTO_CLOSED',
    ]);
    expect(JSON.parse(world.events[1]?.metadata ?? '')).toMatchObject({ text: 'Calling', actor: 'anna' });
  });

  test('the same again is fine, and what is not allowed names what is', async () => {
    const world = await start();
    await world.alert('a1');
    await world.command('a1', 'ACKNOWLEDGE');
    const again = await world.command('a1', 'ACKNOWLEDGE');
    await world.command('a1', 'RESOLVE');
    const back = await world.command('a1', 'ACKNOWLEDGE');
    const unknown = await world.command('a2', 'ACKNOWLEDGE');
    const ofOther = await world.command('a1', 'COMMENT', { driverId: 'D-2', text: 'Not mine' });
    expect([again, back, unknown, ofOther].map(({ outcome, code }) => [outcome, code])).toEqual([
      ['UNCHANGED', 'same_status'],
      ['REFUSED', 'INVALID_STATUS_TRANSITION'],
      ['REFUSED', 'ALERT_NOT_FOUND'],
      ['REFUSED', 'ALERT_NOT_FOUND'],
    ]);
    expect(JSON.parse(back.details)).toEqual({ from: 'RESOLVED', to: 'ACKNOWLEDGED', allowed: [] });
    expect(world.events).toHaveLength(3);
  });

  test('a command does not move the time of the stream on: alerts that come after it are counted as before', async () => {
    const world = await start();
    await world.alert('a1', START_MS - 100 * HOUR);
    await world.command('a1', 'ACKNOWLEDGE', { alertUpdatedAt: START_MS - 100 * HOUR });
    await world.alert('a2', START_MS - 100 * HOUR + 1);
    await world.alert('a3', START_MS - 100 * HOUR + 2);
    expect(world.events.filter(({ eventType }) => eventType === 'ESCALATED')).toMatchObject([{ alertId: 'a3' }]);
  });
});

test('escalations are passed on for the source types that a policy names', async () => {
  const world = await start();
  for (const id of ['a1', 'a2', 'a3']) await world.alert(id);
  expect(world.passedOn).toEqual([]);
  await world.put('escalation-policies', 'on-call', policy({ driverSourceTypes: ['overspeed'] }));
  await world.driver.advanceWallClock(1);
  await world.alert('a4');
  expect(world.passedOn.map(({ eventId }) => eventId)).toEqual(['a4:2']);
});
