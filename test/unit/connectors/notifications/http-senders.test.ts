/** Webhook, Slack and PagerDuty against a server of this machine that answers, refuses, hangs, redirects and recovers. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addressPolicy } from '../../../../connectors/notifications/address-policy.ts';
import type { ResolveName } from '../../../../connectors/notifications/guarded-post.ts';
import {
  type HttpSenderOptions,
  pagerdutySender,
  slackSender,
  webhookSender,
} from '../../../../connectors/notifications/http-senders.ts';
import { DeliveryError } from '../../../../connectors/notifications/sender.ts';
import { INCIDENT_ID, notification } from '../../notifications/support.ts';

interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const NOW_MS = 1_770_000_000_500;
const received: Received[] = [];
let answer: (response: ServerResponse) => void;
let server: Server;
let url: string;
let options: HttpSenderOptions;

const mayReach = (...allowed: string[]) => addressPolicy(allowed) ?? (() => false);
const forever = AbortSignal.timeout(30_000);

beforeAll(async () => {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ path: request.url, headers: request.headers, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received.length = 0;
  answer = (response) => void response.writeHead(200).end('ok');
  options = { mayReach: mayReach('127.0.0.0/8'), now: () => NOW_MS, pagerdutyUrl: `${url}/v2/enqueue` };
});

const hook = (target = `${url}/hook`, secret: string | null = 'a secret', signal = forever): Promise<void> =>
  webhookSender(options)({ target, secret }, notification(), signal);

const failure = async (sent: Promise<void>): Promise<DeliveryError> => {
  const error: unknown = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
};

describe('a webhook', () => {
  it('[INV-NOTIFY-SIGNED] gets the payload with its key and a signature over time and body', async () => {
    await hook();
    expect(received).toHaveLength(1);
    const { path, headers, body } = received[0] as Received;
    expect(path).toBe('/hook');
    expect(body).toBe(
      '{"type":"error_alert","service":"auth-service","errorCount":25,"windowMinutes":10,' +
        `"triggeredAt":"2026-01-01T10:00:00.000Z","incidentId":"${INCIDENT_ID}"}`,
    );
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': notification().id });
    const expected = createHmac('sha256', 'a secret').update(`1770000000.${body}`).digest('hex');
    expect(headers['x-alerts-signature']).toBe(`t=1770000000,v1=${expected}`);
  });

  it('is not signed without a secret', async () => {
    await hook(undefined, null);
    expect(received[0]?.headers).not.toHaveProperty('x-alerts-signature');
  });

  it.each([
    ...([
      [400, true],
      [401, true],
      [404, true],
      [410, true],
      [408, false],
      [425, false],
      [429, false],
    ] as const),
    ...([
      [500, false],
      [502, false],
      [503, false],
    ] as const),
  ])('that answers %i fails, for good: %s', async (status, permanent) => {
    answer = (response) => void response.writeHead(status).end();
    expect(await failure(hook())).toMatchObject({ message: `The receiver answered ${status}.`, permanent });
  });

  it('[INV-NOTIFY-ADDRESS] cannot send us elsewhere', async () => {
    answer = (response) => void response.writeHead(302, { location: `${url}/elsewhere` }).end();
    expect((await failure(hook())).permanent).toBe(true);
    expect(received.map(({ path }) => path)).toEqual(['/hook']);
  });

  it('that hangs is left when the time is over, and reached again when it recovers', async () => {
    answer = () => undefined;
    const error = await failure(hook(undefined, null, AbortSignal.timeout(100)));
    expect(error).toMatchObject({
      permanent: false,
      message: expect.stringContaining('could not be reached') as string,
    });
    answer = (response) => void response.writeHead(204).end();
    await hook();
  });

  it('that breaks off within its answer, or answers without end, has not taken it', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    expect((await failure(hook())).permanent).toBe(false);
    answer = (response) => void response.writeHead(200).end('x'.repeat(200_000));
    expect((await failure(hook())).message).toContain('too long');
  });

  it('that nobody listens at may come back', async () => {
    expect((await failure(hook('http://127.0.0.1:1/'))).permanent).toBe(false);
  });
});

describe('the addresses of channels', () => {
  const resolvingTo = (...addresses: string[]): ResolveName => {
    return (_host, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
  };
  const port = (): string => new URL(url).port;

  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0x7f000001', '2130706433', '127.1', 'localhost'])(
    '[INV-NOTIFY-ADDRESS] do not reach this machine as %s',
    async (host) => {
      options = { ...options, mayReach: mayReach() };
      const error = await failure(hook(`http://${host}:${port()}/`));
      expect(error).toMatchObject({ permanent: true, message: expect.stringContaining('private network') as string });
      expect(received).toEqual([]);
    },
  );

  it('[INV-NOTIFY-ADDRESS] are checked as they are connected to: a name that changes meanwhile gains nothing', async () => {
    const answers = ['93.184.216.34', '127.0.0.1'];
    const asked: string[] = [];
    // The first look-up, of whoever checks, would be harmless; the one that a connection makes is not.
    const resolve: ResolveName = (host, lookup, done) => {
      asked.push(host);
      resolvingTo(answers[Math.min(asked.length, answers.length - 1)] as string)(host, lookup, done);
    };
    options = { ...options, mayReach: mayReach(), resolve };
    expect((await failure(hook(`http://rebinding.example:${port()}/`))).permanent).toBe(true);
    expect(received).toEqual([]);
    expect(asked).toEqual(['rebinding.example']);
  });

  it('[INV-NOTIFY-ADDRESS] are refused when any address of a name is forbidden', async () => {
    options = { ...options, mayReach: mayReach(), resolve: resolvingTo('93.184.216.34', '127.0.0.1') };
    expect((await failure(hook(`http://mixed.example:${port()}/`))).permanent).toBe(true);
  });

  it('are reached by name where their network is allowed', async () => {
    options = { ...options, resolve: resolvingTo('127.0.0.1') };
    await hook(`http://hooks.internal:${port()}/named`);
    expect(received[0]).toMatchObject({ path: '/named', headers: { host: `hooks.internal:${port()}` } });
  });

  it.each(['ftp://127.0.0.1/', 'file:///etc/passwd', 'nothing'])('are of HTTP, not %s', async (target) => {
    expect(await failure(hook(target))).toMatchObject({ permanent: true });
  });
});

describe('Slack', () => {
  it('gets one line for people, in which nothing is a mention, and the ids', async () => {
    const told = notification({ title: 'Down <!channel> & out' });
    await slackSender(options)({ target: `${url}/services/T/B/x`, secret: null }, told, forever);
    const { text: line } = JSON.parse(received[0]?.body ?? '') as { text: string };
    expect(line.split('\n')).toEqual([
      '[P1] New incident: auth-service: Down &lt;!channel&gt; &amp; out (25 in 10 minutes)',
      `Incident ${INCIDENT_ID}, notification ${told.id}`,
    ]);
  });
});

describe('PagerDuty', () => {
  it('gets an event that triggers, with one key for all of an incident', async () => {
    answer = (response) => void response.writeHead(202).end('{"status":"success"}');
    await pagerdutySender(options)({ target: 'R0UT1NGKEY', secret: null }, notification(), forever);
    expect(received[0]?.path).toBe('/v2/enqueue');
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      routing_key: 'R0UT1NGKEY',
      event_action: 'trigger',
      dedup_key: INCIDENT_ID,
      payload: {
        summary: '[P1] New incident: auth-service: Too many errors (25 in 10 minutes)',
        source: 'auth-service',
        severity: 'critical',
        timestamp: '2026-01-01T10:00:00.000Z',
        custom_details: { ...notification().payload, notificationId: notification().id },
      },
    });
  });
});
