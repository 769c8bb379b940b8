import type { Socket } from 'node:net';

/** What a connection of a protocol with frames of its own lies on: TCP, TLS, or the binary messages of a WebSocket. */
export interface Wire {
  /** Bytes in front of each piece that is written, for what the wire adds. */
  readonly headroom: number;
  /** Where the other end is. */
  readonly address: string;
  /** Bytes that the network has not taken yet. */
  readonly queuedBytes: number;
  /** Writes a piece, whose headroom is overwritten. */
  write(piece: Buffer): void;
  /** Calls back once, when the network has taken all bytes, or never will. */
  onceDrained(callback: () => void): void;
  pause(): void;
  resume(): void;
  /** Ends it in the words of what it lies on; cut off when that takes too long. */
  end(): void;
  destroy(): void;
  /** Who takes the bytes that come; once. */
  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void;
}

/** What the other end gets to close its side in. */
const END_GRACE_MS = 2000;

/** A connection over TCP or TLS. */
export class SocketWire implements Wire {
  readonly headroom = 0;
  readonly address: string;

  constructor(private readonly socket: Socket) {
    this.address = socket.remoteAddress ?? 'gone';
    socket.setNoDelay(true);
    // It closes right after, and that is heard.
    socket.on('error', () => undefined);
  }

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  write(piece: Buffer): void {
    if (this.socket.writable) this.socket.write(piece);
  }

  onceDrained(callback: () => void): void {
    onceDrained(this.socket, callback);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    if (this.socket.destroyed) return;
    this.socket.end();
    // Nobody reads any more; unread bytes would keep it from noticing that the other side has closed.
    this.socket.resume();
    setTimeout(() => this.socket.destroy(), END_GRACE_MS).unref();
  }

  destroy(): void {
    this.socket.destroy();
  }

  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void {
    this.socket.on('data', onBytes);
    this.socket.once('close', onClosed);
  }
}

/** One piece of several, with the room that a wire asks for in front of it. */
export function pieceOf(headroom: number, parts: readonly Buffer[]): Buffer {
  if (headroom === 0 && parts.length === 1) return parts[0]!;
  let length = headroom;
  for (const part of parts) length += part.length;
  const piece = Buffer.allocUnsafe(length);
  let at = headroom;
  for (const part of parts) {
    piece.set(part, at);
    at += part.length;
  }
  return piece;
}

/** Calls back when a socket has written everything, or is closed. */
export function onceDrained(socket: Socket, callback: () => void): void {
  if (socket.destroyed || !socket.writableNeedDrain) {
    setImmediate(callback);
    return;
  }
  const drained = (): void => {
    socket.off('drain', drained);
    socket.off('close', drained);
    callback();
  };
  socket.on('drain', drained);
  socket.on('close', drained);
}
