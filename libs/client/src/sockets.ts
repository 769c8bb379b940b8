/** A class of WebSockets, such as that of the package ws, for platforms that have none. */
export type SocketClass = new (url: string, ...rest: never[]) => object;

/** What a new WebSocket is made of. */
export interface SocketWish {
  url: string;
  subprotocol: string;
  /** Left out by pages, which can send none. */
  headers?: Record<string, string>;
  socketClass?: SocketClass | undefined;
}

/** Who hears what comes on a socket. */
export interface SocketEars {
  opened(): void;
  heard(text: unknown): void;
  /** With the code and the reason of the close; of a socket that never opened, too. */
  closed(code: number, reason: string): void;
}

/** A WebSocket as far as it is used here: that of browsers and of Node ≥ 22, and that of the package ws. */
interface PlatformSocket {
  addEventListener(type: string, listener: (event: { data?: unknown; code?: number; reason?: string }) => void): void;
  send(text: string): void;
  close(): void;
}

type OwnClass = new (
  url: string,
  init: string | { protocols: string; headers: Record<string, string> },
) => PlatformSocket;
type PackageClass = new (url: string, protocol: string, options: object) => PlatformSocket;

/** A WebSocket that can be let go of: nothing that it still says is heard then. */
export class Socket {
  readonly #socket: PlatformSocket;
  #ears: SocketEars | undefined;

  /** @throws TypeError where the platform has no WebSocket and none was given */
  constructor(wish: SocketWish, ears: SocketEars) {
    const socket = platformSocket(wish);
    this.#socket = socket;
    this.#ears = ears;
    socket.addEventListener('open', () => this.#ears?.opened());
    socket.addEventListener('message', ({ data }) => this.#ears?.heard(data));
    socket.addEventListener('close', ({ code = 1006, reason = '' }) => this.#ears?.closed(code, reason));
    // One of ws would throw, were nobody listening. What follows is the close.
    socket.addEventListener('error', () => undefined);
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  drop(): void {
    this.#ears = undefined;
    this.#socket.close();
  }
}

function platformSocket({ url, subprotocol, headers, socketClass }: SocketWish): PlatformSocket {
  const own = (globalThis as { WebSocket?: SocketClass }).WebSocket;
  const target = url.replace(/^http/, 'ws');
  if (socketClass !== undefined && socketClass !== own) {
    const options = { perMessageDeflate: false, ...(headers === undefined ? {} : { headers }) };
    return new (socketClass as unknown as PackageClass)(target, subprotocol, options);
  }
  if (own === undefined) {
    throw new TypeError('There is no WebSocket before Node 22: give the one of the package ws as `webSocket`.');
  }
  // Of Node: headers stand beside the subprotocol (WebSocketInit of undici). Browsers know the subprotocol alone.
  const init = headers === undefined ? subprotocol : { protocols: subprotocol, headers };
  return new (own as unknown as OwnClass)(target, init);
}
