/** Email against a mail server of this machine that takes messages, refuses them for now or for good, and hangs. */
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emailSender } from '../../../../connectors/notifications/email-sender.ts';
import { DeliveryError } from '../../../../connectors/notifications/sender.ts';
import { notification } from '../../notifications/support.ts';

const received: { readonly to: readonly string[]; readonly message: string }[] = [];
let refusal: number | 'hang' | undefined;
let server: SMTPServer;
let smtpUrl: string;

beforeAll(async () => {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData: (stream, session, done) => {
      void text(stream).then((message) => {
        if (refusal === 'hang') return;
        if (refusal !== undefined) {
          done(Object.assign(new Error('no'), { responseCode: refusal }));
          return;
        }
        received.push({ to: session.envelope.rcptTo.map(({ address }) => address), message });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  smtpUrl = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise<void>((resolve) => server.close(resolve)));
beforeEach(() => {
  received.length = 0;
  refusal = undefined;
});

const send = (title = 'Too many errors', signal = AbortSignal.timeout(30_000), url: string | undefined = smtpUrl) =>
  emailSender({ smtpUrl: url, from: 'alerts@example.com', timeoutMs: 2_000 })(
    { target: 'ops@example.com', secret: null },
    notification({ title }),
    signal,
  );

describe('email', () => {
  it('arrives with what happened and a Message-ID that is the same for every repeat', async () => {
    await send();
    await send();
    expect(received).toHaveLength(2);
    for (const { to, message } of received) {
      expect(to).toEqual(['ops@example.com']);
      expect(message).toMatch(/^Subject: \[P1\] New incident: auth-service: Too many errors \(25 in 10\s+minutes\)$/m);
      expect(message).toContain(`Message-ID: <${notification().id}@notifications>`);
      expect(message).toContain(`Incident: ${notification().payload.incidentId}`);
    }
  });

  it('takes no header from a title', async () => {
    await send('Down\r\nBcc: everybody@example.com');
    expect(received[0]?.to).toEqual(['ops@example.com']);
    expect(received[0]?.message.split('\r\n\r\n')[0]).not.toMatch(/^bcc:/im);
  });

  it.each([
    [451, false],
    [554, true],
  ])('that the server answers with %i fails, for good: %s', async (status, permanent) => {
    refusal = status;
    const message = `The mail server did not take the message: answer ${status}.`;
    await expect(send()).rejects.toMatchObject({ name: 'DeliveryError', message, permanent });
  });

  it('ends with the attempt when the server hangs, and arrives when it recovers', async () => {
    refusal = 'hang';
    const error: unknown = await send('Too many errors', AbortSignal.timeout(200)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeliveryError);
    expect((error as DeliveryError).permanent).toBe(false);
    refusal = undefined;
    await send();
    expect(received).toHaveLength(1);
  });

  it('needs a mail server', async () => {
    const unset = emailSender({ smtpUrl: undefined, from: 'alerts@example.com', timeoutMs: 1_000 });
    const sent = unset({ target: 'ops@example.com', secret: null }, notification(), AbortSignal.timeout(1_000));
    await expect(sent).rejects.toMatchObject({
      permanent: true,
      message: expect.stringContaining('SMTP_URL') as string,
    });
    await expect(send('x', undefined, 'smtp://127.0.0.1:1')).rejects.toMatchObject({ permanent: false });
  });
});
