/**
 * A TCP proxy in front of a service, to take the network away from a client, make it slow, and give it back.
 */
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';

/** `cut`: connections are reset, new ones too. `hang`: nothing is forwarded any more, and nobody is told. */
type Mode = 'forward' | 'cut' | 'hang';

interface Connection {
  readonly client: Socket;
  readonly upstream: Socket;
  /** The service has lost the connection, and the client does not know. */
  halfOpen: boolean;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #connections = new Set<Connection>();
  #mode: Mode = 'forward';
  #delayMs = 0;
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

  /** The service loses every connection there is and no client is told: what they send goes nowhere. Later ones work. */
  halfOpen(): void {
    for (const connection of this.#connections) {
      connection.halfOpen = true;
      connection.upstream.resetAndDestroy();
    }
  }

  /** Everything arrives so much later, in its order, until told otherwise. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  restore(): void {
    this.#mode = 'forward';
    this.#delayMs = 0;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #sockets(): Socket[] {
    return [...this.#connections].flatMap(({ client, upstream }) => [client, upstream]);
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    if (this.#mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const connection = { client, upstream: connect(this.#target), halfOpen: false };
    this.#connections.add(connection);
    this.#forward(connection, connection.client, connection.upstream);
    this.#forward(connection, connection.upstream, connection.client);
  }

  #forward(connection: Connection, from: Socket, to: Socket): void {
    const inTurn = this.#delayed();
    from.on('data', (chunk) => inTurn(() => connection.halfOpen || to.write(chunk)));
    from.on('end', () => inTurn(() => connection.halfOpen || to.end()));
    // Either side's fault ends both; the client under test sees its own.
    from.on('error', () => connection.halfOpen || to.destroy());
    from.on('close', () => {
      if (connection.halfOpen && from === connection.upstream) return;
      this.#connections.delete(connection);
      to.destroy();
    });
    if (this.#mode === 'hang') from.pause();
  }

  /** Runs what it is given, in that order, each at the earliest as late as the delay said when it came. */
  #delayed(): (action: () => unknown) => void {
    const waiting: (() => unknown)[] = [];
    return (action) => {
      if (waiting.length === 0 && this.#delayMs === 0) {
        action();
        return;
      }
      // Whichever timer fires first, what came first goes first.
      waiting.push(action);
      setTimeout(() => waiting.shift()?.(), this.#delayMs);
    };
  }
}
