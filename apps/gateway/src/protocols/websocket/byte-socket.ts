import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { type Wire, onceDrained } from '../wire.js';
import { CLOSE_CODES } from './close-codes.js';

/** Room in front of bytes for what makes a binary message of them. */
const HEADROOM = 10;
/** The protocol within has said all it had to say, and why (RFC 6455 §7.4.1). */
const SAID_ALL = 1000;
/** What a client gets to answer a close in. */
const END_GRACE_MS = 2000;

/** A WebSocket as a stream of bytes, both ways: for protocols that have frames of their own. */
export class ByteSocket implements Wire {
  readonly headroom = HEADROOM;

  constructor(
    private readonly client: WebSocket,
    private readonly socket: Socket,
    readonly address: string,
  ) {}

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  /** Writes a piece as one binary message (RFC 6455 §5.2), past the library, which would copy it. */
  write(piece: Buffer): void {
    if (!this.socket.writable || this.client.readyState !== this.client.OPEN) return;
    const length = piece.length - HEADROOM;
    let from = HEADROOM - 2;
    if (length < 126) piece[from + 1] = length;
    else if (length < 65_536) {
      from -= 2;
      piece[from + 1] = 126;
      piece.writeUInt16BE(length, from + 2);
    } else {
      from -= 8;
      piece[from + 1] = 127;
      piece.writeBigUInt64BE(BigInt(length), from + 2);
    }
    piece[from] = 0x82;
    this.socket.write(from === 0 ? piece : piece.subarray(from));
  }

  onceDrained(callback: () => void): void {
    onceDrained(this.socket, callback);
  }

  pause(): void {
    this.client.pause();
  }

  resume(): void {
    this.client.resume();
  }

  end(): void {
    this.client.resume();
    this.client.close(SAID_ALL);
    setTimeout(() => this.client.terminate(), END_GRACE_MS).unref();
  }

  destroy(): void {
    this.client.terminate();
  }

  /** A message that is a text ends the connection (MQTT-6.0.0-1). */
  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void {
    this.client.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) onBytes(data);
      else this.client.close(CLOSE_CODES.unsupported, 'unsupported');
    });
    this.client.once('close', onClosed);
  }
}
