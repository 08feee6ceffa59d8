/**
 * A TCP proxy in front of a service, to take the network away from a client and give it back.
 */
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';

/** `cut`: connections are reset, new ones too. `hang`: nothing is forwarded any more, and nobody is told. */
type Mode = 'forward' | 'cut' | 'hang';

export class TcpProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #mode: Mode = 'forward';
  #accepted = 0;

  constructor(host: string, port: number) {
    this.#target = { host, port };
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(host: string, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(host, port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Connections that clients opened so far. */
  get accepted(): number {
    return this.#accepted;
  }

  cut(): void {
    this.#mode = 'cut';
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** What is on its way when the proxy hangs arrives when it is restored. */
  hang(): void {
    this.#mode = 'hang';
    for (const socket of this.#sockets) socket.pause();
  }

  restore(): void {
    this.#mode = 'forward';
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    if (this.#mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(this.#target);
    this.#forward(client, upstream);
    this.#forward(upstream, client);
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (chunk) => to.write(chunk));
    from.on('end', () => to.end());
    // Either side's fault ends both; the client under test sees its own.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#mode === 'hang') from.pause();
  }
}
