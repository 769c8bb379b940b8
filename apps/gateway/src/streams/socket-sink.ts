import type { Socket } from 'node:net';
import type { StreamEnd, StreamSink } from './fan-out.js';

/** Writes the bytes of a stream to a socket, and knows how many of them it still holds. */
export class SocketSink implements StreamSink {
  #drains: (() => void)[] = [];

  /**
   * @param finish says goodbye in the words of the protocol, and ends the connection
   * @param slowMs a receiver that takes longer to read what waits for it is cut off; one that is gone without a word
   *   would otherwise be waited for as long as TCP tries
   */
  constructor(
    private readonly socket: Socket,
    private readonly finish: (reason: StreamEnd) => void,
    private readonly slowMs?: number,
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
      const tooSlow = this.slowMs === undefined ? undefined : setTimeout(() => this.socket.destroy(), this.slowMs);
      const drained = (): void => {
        clearTimeout(tooSlow);
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
