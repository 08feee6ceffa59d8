import { afterEach, describe, expect, test } from 'vitest';
import { jsonSerde } from '../../../connectors/log.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { CommandDesk } from '../../../gateway/commands/command-desk.ts';
import { ResultTail } from '../../../gateway/commands/result-tail.ts';
import type { CommandResult } from '../../../schemas/command-result.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';

interface Command {
  readonly commandId: string;
}

const resultOf = (commandId: string, rest: Partial<CommandResult> = {}): CommandResult => ({
  ...{ commandId, subjectId: 'i1', outcome: 'APPLIED', code: 'done', message: null, details: '{}', subject: '{}' },
  ...rest,
});

class World {
  readonly log = new InMemoryLog({ clock: systemClock });
  readonly ending = new AbortController();
  readonly tail: ResultTail;
  readonly desk: CommandDesk<Command>;
  #following: Promise<void> | undefined;

  constructor({ capacity = 10, timeoutMs = 20_000 } = {}) {
    this.log.createTopics(['commands', 'results'].map((name) => ({ name, partitions: 2, config: {} })));
    const client = this.log.client('gateway');
    const shared = { clock: systemClock, logger: silentLogger };
    const ports = { reader: client.reader(), admin: client.admin(), results: jsonSerde<CommandResult>() };
    this.tail = new ResultTail({ ...shared, ...ports, topic: 'results', capacity });
    this.desk = new CommandDesk({
      ...{ ...shared, topic: 'commands', producer: client.plainProducer(), commands: jsonSerde<Command>() },
      ...{ tail: this.tail, timeoutMs },
    });
  }

  async follow(): Promise<void> {
    this.#following = this.tail.follow(this.ending.signal);
    await expect.poll(() => this.desk.partitions).toBe(2);
  }

  /** Commits a result as a processor would. */
  async answer(result: CommandResult): Promise<void> {
    const producer = this.log.client('processor').producer('processor');
    await producer.init();
    producer.append('results', 1, null, Buffer.from(JSON.stringify(result)), 0);
    await producer.commit('processor', []);
  }

  /** Resolves once a command is on the log, with its partition. */
  async sent(): Promise<number> {
    const count = (partition: number) => this.log.records({ topic: 'commands', partition }).length;
    await expect.poll(() => count(0) + count(1)).toBeGreaterThan(0);
    return count(0) > 0 ? 0 : 1;
  }

  async close(): Promise<void> {
    this.ending.abort();
    await this.#following;
  }
}

let world: World;
afterEach(() => world.close());

const start = async (options: { capacity?: number; timeoutMs?: number } = {}): Promise<World> => {
  world = new World(options);
  await world.follow();
  return world;
};

describe('the command desk', () => {
  test('answers with the result of this very command, and knows what a reader has to have seen', async () => {
    const { desk } = await start();
    const answered = desk.carryOut({ commandId: 'c1' }, { key: 'i1', partition: 1 });
    expect(await world.sent()).toBe(1);
    await world.answer(resultOf('another'));
    await world.answer(resultOf('c1', { code: 'acknowledged' }));
    expect(await answered).toMatchObject({ commandId: 'c1', code: 'acknowledged' });
    expect([desk.seenOf(0), desk.seenOf(1)]).toEqual([{}, { 'commands-1': 1 }]);
  });

  test.each([
    ['INCIDENT_NOT_FOUND', 404],
    ['INVALID_STATUS_TRANSITION', 400],
    ['VERSION_CONFLICT', 409],
  ])('a refusal with %s is an answer with status %d and its details', async (code, statusCode) => {
    const { desk } = await start();
    const answered = desk.carryOut({ commandId: 'c1' }, { key: 'i1' });
    await world.sent();
    await world.answer(resultOf('c1', { outcome: 'REFUSED', code, message: 'No.', details: '{"allowed":[]}' }));
    await expect(answered).rejects.toMatchObject({ statusCode, code, message: 'No.', details: { allowed: [] } });
  });

  test('without a result in time says that the outcome is unknown', async () => {
    const { desk } = await start({ timeoutMs: 20 });
    const answered = desk.carryOut({ commandId: 'c1' }, { key: 'i1' });
    await expect(answered).rejects.toMatchObject({ statusCode: 503, code: 'COMMAND_NOT_CONFIRMED' });
  });

  test('sends nothing while results cannot be read, or too many wait for theirs', async () => {
    world = new World({ capacity: 1, timeoutMs: 20 });
    const early = world.desk.carryOut({ commandId: 'c1' }, { key: 'i1' });
    await expect(early).rejects.toMatchObject({ statusCode: 503, code: 'COMMANDS_UNAVAILABLE' });
    await world.follow();
    const [first, second] = ['c2', 'c3'].map((commandId) => world.desk.carryOut({ commandId }, { key: 'i1' }));
    await expect(second).rejects.toMatchObject({ statusCode: 503, code: 'TOO_MANY_WAITING' });
    await expect(first).rejects.toMatchObject({ code: 'COMMAND_NOT_CONFIRMED' });
    await expect(world.desk.carryOut({ commandId: 'c4' }, { key: 'i1' })).rejects.toMatchObject({
      code: 'COMMAND_NOT_CONFIRMED',
    });
  });
});
