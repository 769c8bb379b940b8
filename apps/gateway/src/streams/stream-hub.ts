import type { Log } from '@heddle/runtime';
import type { DispatchedEvent, Mask } from '../represent.js';
import { FanOut } from './fan-out.js';
import type { History } from './history.js';
import type { MovingPosition } from './resume-token.js';
import { Stream, type StreamHome, type StreamRequest } from './stream.js';
import type { Tail } from './tail.js';
import { viewOf } from './view.js';

/** All streams of this process. */
export class StreamHub implements StreamHome {
  readonly fanOut: FanOut;
  #streams = new Set<Stream>();
  #lags = 0;

  constructor(
    readonly tail: Tail,
    readonly history: History,
    readonly position: MovingPosition,
    readonly baseUrl: string,
    private readonly log: Log,
    private readonly mask?: Mask,
    maxQueuedBytes?: number,
  ) {
    this.fanOut = new FanOut(maxQueuedBytes);
  }

  /** Opens a stream of what its caller may see; its first event says where it really begins. */
  open(request: StreamRequest): Stream {
    const stream = new Stream(this, request, viewOf(request.caller, this.mask));
    this.#streams.add(stream);
    stream.open().catch((error: unknown) => this.failed(stream, error));
    return stream;
  }

  publish(tenant: string, event: DispatchedEvent, isRaw = false): void {
    this.fanOut.publish(tenant, event, isRaw);
  }

  get counts(): { open: number; live: number; lags: number } {
    return { open: this.#streams.size, live: this.fanOut.members, lags: this.#lags };
  }

  /** Ends all streams, so that their receivers come back elsewhere, or later. */
  close(): void {
    for (const stream of this.#streams) {
      stream.close();
      stream.sink.close('stopping');
    }
  }

  closed(stream: Stream): void {
    this.#streams.delete(stream);
  }

  lagged(): void {
    this.#lags += 1;
  }

  /** A stream whose catching up failed is ended: its receiver comes back with its token and loses nothing. */
  failed(stream: Stream, error: unknown): void {
    if (stream.closed) return;
    this.log.warn({ event: 'stream-failed', err: error }, 'a stream could not go on and was closed');
    stream.close();
    stream.sink.close('failed');
  }
}
