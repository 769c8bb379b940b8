import type { Socket } from 'node:net';
import type { StreamEnd, StreamSink } from './fan-out.js';

/** Writes the bytes of a stream to a socket, and knows how many of them it still holds. */
export class SocketSink implements StreamSink {
  #drains: (() => void)[] = [];

  /** @param finish says goodbye in the words of the protocol, and ends the connection */
  constructor(
    private readonly socket: Socket,
    private readonly finish: (reason: StreamEnd) => void,
  ) {}

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  onceDrained(callback: () => void): void {
    if (this.socket.destroyed || !this.socket.writableNeedDrain) {
      setImmediate(callback);
      return;
    }
    if (this.#drains.length === 0) {
      const drained = (): void => {
        this.socket.off('drain', drained);
        this.socket.off('close', drained);
        const drains = this.#drains;
        this.#drains = [];
        for (const drain of drains) drain();
      };
      // A socket that closes will never drain; who waits has to notice.
      this.socket.on('drain', drained);
      this.socket.on('close', drained);
    }
    this.#drains.push(callback);
  }

  close(reason: StreamEnd): void {
    this.finish(reason);
  }
}
