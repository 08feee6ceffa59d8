import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogger, type LogLevel } from '../../../../connectors/observability/pino-logger.ts';
import { RetriableLogError } from '../../../../streams/errors.ts';
import type { Logger } from '../../../../streams/ports.ts';

const capture = (
  level: LogLevel = 'debug',
): { logger: Logger; lines: string[]; last: () => Record<string, unknown> } => {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level, destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) as string) as Record<string, unknown> };
};

describe('the logger', () => {
  it('writes one JSON line with timestamp, level, service, module and message', () => {
    const { logger, last } = capture();
    logger.child({ module: 'commit' }).warn('slow commit', { durationMs: 900 });
    expect(last()).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      level: 'warn',
      service: 'test',
      module: 'commit',
      message: 'slow commit',
      duration_ms: 900,
    });
  });

  it('leaves out what is below its level', () => {
    const { logger, lines } = capture('warn');
    logger.debug('a');
    logger.info('b');
    logger.error('c');
    expect(lines).toHaveLength(1);
  });

  it('writes errors with type, message, stack and, as context, code, details and the chain of causes', () => {
    const { logger, last } = capture();
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    logger.error('poll failed', { error: new RetriableLogError('BROKER_AWAY', 'The broker is away.', { cause }) });
    expect(last()['error']).toMatchObject({
      type: 'RetriableLogError',
      message: 'The broker is away.',
      stack: expect.stringContaining('pino-logger.test') as string,
      context: { code: 'BROKER_AWAY', cause: { type: 'Error', context: { code: 'ECONNREFUSED' } } },
    });
    const refused = Object.assign(new Error('no'), { details: { field: 'a' }, sql: 'INSERT 1', code: undefined });
    logger.error('refused', { err: new AggregateError([refused], 'all') });
    expect(last()['error']).toMatchObject({ type: 'AggregateError', context: { errors: [{ context: {} }] } });
    expect(last()).not.toHaveProperty('err');
    expect(JSON.stringify(last())).toContain('"context":{"details":{"field":"a"}}');
    expect(JSON.stringify(last())).not.toContain('INSERT');
  });

  it('keeps its own names, whatever fields are passed', () => {
    const { logger, lines, last } = capture();
    logger.child({ service: 'other' }).info('text', { message: 'mine', level: 9, timestamp: 0 });
    expect(last()).toMatchObject({
      service: 'test',
      level: 'info',
      message: 'text',
      field_message: 'mine',
      field_level: 9,
    });
    expect(lines[0]?.match(/"message":/g)).toHaveLength(1);
  });

  it('calls what leads from one line to another the same everywhere', () => {
    const { logger, lines, last } = capture();
    logger.child({ alertId: 'a', requestId: 'r' }).info('text', { durationMs: 3, traceId: 't', driverId: 'd' });
    expect(last()).toMatchObject({ alert_id: 'a', request_id: 'r', duration_ms: 3, trace_id: 't', driver_id: 'd' });
    expect(lines[0]).not.toMatch(/alertId|requestId|durationMs|traceId|driverId/);
    logger.info('both', { eventId: 'mine', event_id: 'theirs' });
    expect(last()).toMatchObject({ eventId: 'mine', event_id: 'theirs' });
  });

  it('writes each field once when a line and its child logger both have it: the line wins', () => {
    const { logger, lines, last } = capture();
    logger.child({ partition: 1 }).info('x', { partition: 2 });
    expect(last()['partition']).toBe(2);
    expect(lines[0]?.match(/"partition":/g)).toHaveLength(1);
  });
});

describe('[INV-LOG-SECRETS] secrets', () => {
  it.each([
    ['a field named for it', { password: 'hunter2' }],
    ['a nested one', { kafka: { sasl: { password: 'hunter2', username: 'u' } } }],
    ['one in a list', { brokers: [{ accessToken: 'hunter2' }] }],
    ['a header of any case', { headers: { Authorization: 'Basic hunter2=' } }],
    ['an address', { url: 'mysql://alerts:hunter2@db:3306/alerts' }],
    ['a bearer token in a text', { request: 'authorization was Bearer hunter2-hunter2' }],
    ['a connection string', { settings: 'host=db password=hunter2 user=x' }],
    ['the message of an error', { error: new Error('cannot reach mysql://alerts:hunter2@db/alerts') }],
    ['the cause of an error', { error: new Error('x', { cause: { password: 'hunter2' } }) }],
  ])('do not reach the log through %s', (_what, fields) => {
    const { logger, lines } = capture();
    logger.info('connecting', fields);
    logger.child(fields).info('connected');
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).toContain('[redacted]');
  });

  it('do not reach the log through the message', () => {
    const { logger, lines } = capture();
    logger.info('connecting to mysql://alerts:hunter2@db/alerts');
    expect(lines[0]).not.toContain('hunter2');
  });
});

describe('what is logged', () => {
  it('stays bounded and readable for values that JSON has no word for', () => {
    const { logger, lines, last } = capture();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const fields = {
      circular,
      big: 10n,
      bytes: Buffer.alloc(10_000),
      long: 'x'.repeat(100_000),
      map: new Map([['token', 'secret-value']]),
      many: Array.from({ length: 10_000 }, (_, i) => i),
    };
    logger.info('odd', fields);
    expect(last()).toMatchObject({ big: '10', bytes: '<10000 bytes>', map: { token: '[redacted]' } });
    expect((lines[0] as string).length).toBeLessThan(20_000);
  });

  it('is made in bounded time for a web of objects and errors that refer to each other', () => {
    const { logger, lines } = capture();
    const web: Record<string, unknown> = {};
    for (let i = 0; i < 40; i++) web[`link${i}`] = web;
    const error = new Error('looped');
    error.cause = { error, web };
    logger.error('odd', { error, web });
    expect((lines[0] as string).length).toBeLessThan(200_000);
  });

  it('is one valid JSON line, whatever is passed', () => {
    const { logger, lines } = capture();
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.anything()), (message, fields) => {
        lines.length = 0;
        logger.info(message, fields);
        expect(lines).toHaveLength(1);
        expect(lines[0]?.trimEnd()).not.toContain('\n');
        expect(JSON.parse(lines[0] as string)).toHaveProperty('message');
      }),
    );
  });
});
