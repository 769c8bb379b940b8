import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

export interface LinkOptions {
  name: string;
  /** Where it leads, on loopback. */
  port: number;
  /** Whether that is a broker: what it says of its own address is then made to say this link's. */
  toBroker?: boolean;
}

/**
 * A way to a server, over which all connections of one process go: it can be cut, and it can be made to stand still. A
 * broker tells its clients where to connect; the port in what it says is replaced by this link's, for an address stands
 * in answers as a text of known length and four bytes.
 */
export class TcpLink {
  #server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#open(socket));
  #pairs = new Set<{ client: Socket; server: Socket }>();
  #isCut = false;
  #isStalled = false;
  #said: Buffer | undefined;
  #saying: Buffer | undefined;

  private constructor(private readonly options: LinkOptions) {}

  static async open(options: LinkOptions): Promise<TcpLink> {
    const link = new TcpLink(options);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    if (options.toBroker === true) [link.#said, link.#saying] = [address(options.port), address(link.port)];
    return link;
  }

  get name(): string {
    return this.options.name;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends all connections, and lets none in until it is restored. */
  cut(): void {
    this.#isCut = true;
    this.#endAll();
  }

  /** Passes nothing on in either direction, and takes connections without a word, until it is restored. */
  stall(): void {
    this.#isStalled = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  restore(): void {
    this.#isCut = false;
    this.#isStalled = false;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #open(client: Socket): void {
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.options.port, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = (): void => {
      client.destroy();
      server.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    this.#pass(client, server, (chunk) => chunk);
    this.#pass(server, client, this.#rewriting());
    if (this.#isStalled) server.pause();
    else client.resume();
  }

  #pass(from: Socket, to: Socket, through: (chunk: Buffer) => Buffer): void {
    from.on('data', (chunk) => {
      const passed = through(chunk);
      if (passed.length === 0 || to.write(passed)) return;
      from.pause();
      to.once('drain', () => {
        if (!this.#isStalled) from.resume();
      });
    });
    from.on('end', () => to.end());
  }

  /** Passes answers on whole, each with its length before it, the address in it replaced. */
  #rewriting(): (chunk: Buffer) => Buffer {
    const [said, saying] = [this.#said, this.#saying];
    if (said === undefined || saying === undefined) return (chunk) => chunk;
    let held: Buffer[] = [];
    let size = 0;
    return (chunk) => {
      held.push(chunk);
      size += chunk.length;
      const head = held[0]!.length >= 4 ? held[0]! : Buffer.concat(held);
      if (head.length < 4 || size < 4 + head.readInt32BE(0)) return Buffer.alloc(0);
      const all = Buffer.concat(held);
      let whole = 0;
      while (all.length - whole >= 4 && all.length - whole >= 4 + all.readInt32BE(whole)) {
        whole += 4 + all.readInt32BE(whole);
      }
      const rest = all.subarray(whole);
      held = rest.length === 0 ? [] : [rest];
      size = rest.length;
      const answers = all.subarray(0, whole);
      for (let at = answers.indexOf(said); at !== -1; at = answers.indexOf(said, at + said.length)) {
        saying.copy(answers, at);
      }
      return answers;
    };
  }

  #endAll(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }
}

/** As in a metadata answer: the length of the host, the host, the port. */
function address(port: number): Buffer {
  const host = Buffer.from('127.0.0.1');
  const bytes = Buffer.alloc(2 + host.length + 4);
  bytes.writeInt16BE(host.length, 0);
  host.copy(bytes, 2);
  bytes.writeInt32BE(port, 2 + host.length);
  return bytes;
}
