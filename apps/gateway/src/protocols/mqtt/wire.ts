import type { Socket } from 'node:net';
import { SocketSink } from '../../streams/socket-sink.js';
import type { SocketRoute } from '../websocket/socket-route.js';
import { CLOSE_CODES } from '../websocket/close-codes.js';

/** A WebSocket, as the upgrade hands it over. */
export type WebSocketClient = Parameters<ReturnType<SocketRoute['admit']>>[0];

/** A connection as bytes in both directions, whatever carries it. */
export interface Wire {
  /** What it ends on. */
  readonly socket: Socket;
  /** What waits to be taken by the network. */
  readonly sink: SocketSink;
  /** In one write, as far as the network goes. */
  write(parts: readonly Buffer[]): void;
  pause(): void;
  resume(): void;
  /** Ends it after what was written; cut off when the other side does not let go. */
  end(): void;
  /** Hears of all bytes, and once of the end. */
  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void;
}

/** What the other side gets to close its end. */
const END_GRACE_MS = 1000;
const NORMAL = 1000;
const BINARY = 0x82;

/** MQTT on TCP, with or without TLS. */
export class TcpWire implements Wire {
  readonly sink: SocketSink;

  constructor(
    readonly socket: Socket,
    slowMs: number,
  ) {
    this.sink = new SocketSink(socket, () => undefined, slowMs);
    socket.setNoDelay(true);
    // What breaks closes it; nobody else listens.
    socket.on('error', () => undefined);
  }

  write(parts: readonly Buffer[]): void {
    if (!this.socket.writable) return;
    this.socket.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.resume();
    this.socket.end();
    setTimeout(() => this.socket.destroy(), END_GRACE_MS).unref();
  }

  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void {
    this.socket.on('data', onBytes);
    this.socket.once('close', onClosed);
  }
}

/** MQTT in binary frames of a WebSocket (MQTT 5 §6): packets may begin and end anywhere in them. */
export class WebSocketWire implements Wire {
  readonly sink: SocketSink;

  constructor(
    private readonly client: WebSocketClient,
    readonly socket: Socket,
    slowMs: number,
  ) {
    this.sink = new SocketSink(socket, () => undefined, slowMs);
  }

  write(parts: readonly Buffer[]): void {
    if (this.client.readyState !== this.client.OPEN || !this.socket.writable) return;
    let length = 0;
    for (const part of parts) length += part.length;
    // Past ws, which would make a write of its own for each part.
    this.socket.write(Buffer.concat([binaryHeader(length), ...parts]));
  }

  pause(): void {
    this.client.pause();
  }

  resume(): void {
    this.client.resume();
  }

  end(): void {
    this.client.resume();
    this.client.close(NORMAL);
    setTimeout(() => this.client.terminate(), END_GRACE_MS).unref();
  }

  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void {
    this.client.on('message', (data: Buffer, isBinary: boolean) => {
      // MQTT in a text frame ends the connection (MQTT-6.0.0-1).
      if (isBinary) onBytes(data);
      else this.client.close(CLOSE_CODES.unsupported, 'unsupported');
    });
    this.client.once('close', onClosed);
  }
}

/** What stands before the bytes of an unmasked, unfragmented binary frame (RFC 6455 §5.2). */
function binaryHeader(length: number): Buffer {
  if (length < 126) return Buffer.from([BINARY, length]);
  if (length < 65_536) return Buffer.from([BINARY, 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = BINARY;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
