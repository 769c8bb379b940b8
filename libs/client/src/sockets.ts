/** A WebSocket as far as it is used here: that of browsers and of Node ≥ 22, and that of the package ws. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number; reason: string }) => void) | null;
  onerror: ((error: unknown) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

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

type OwnClass = new (url: string, init: string | { protocols: string; headers: Record<string, string> }) => Socket;
type PackageClass = new (url: string, protocol: string, options: object) => Socket;

/** @throws TypeError where the platform has no WebSocket and none was given */
export function openSocket({ url, subprotocol, headers, socketClass }: SocketWish): Socket {
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

/** Lets go of a socket: nothing that it still says is heard. */
export function dropSocket(socket: Socket): void {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  // One of ws that fails while it connects would throw, were nobody listening.
  socket.onerror = () => undefined;
  socket.close();
}
