import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '@heddle/auth';
import { isRawTopic, topicOf, uuidv7 } from '@heddle/event';
import { DispatchedEvent, type Form } from '../represent.js';
import type { FanOut, Group, Member, Selection, StreamSink } from './fan-out.js';
import type { History, Resumed, StreamGap } from './history.js';
import {
  type MovingPosition,
  type PositionVector,
  type TenantPosition,
  formatToken,
  furthest,
  movePast,
  parseToken,
  reaches,
} from './resume-token.js';
import type { Tail } from './tail.js';
import type { View } from './view.js';
import type { WantedTypes } from './wanted-types.js';

/** A place in the log from which a stream is to begin; the topic as it is called outside, without the tenant. */
export interface StreamPlace {
  topic: string;
  partition: number;
  offset: number;
}

/**
 * Where a stream is to begin: at the live end, at the first event the log keeps, after an event, at the first event that
 * the log took at or after a time (in milliseconds), or at places; what these do not name begins at the live end.
 */
export type StreamStart =
  'now' | 'earliest' | { token: string } | { time: number } | { places: readonly StreamPlace[] };

/** What somebody may see, and wants. */
export interface StreamRequest extends WantedTypes {
  caller: Caller;
  /** Whether messages that no event type knows are wanted, too: from now on, for no token says where to go on with them. */
  wantsRaw?: boolean;
  form: Form;
  start: StreamStart;
  sink: StreamSink;
}

const OPENED_TYPE = 'heddle.stream.v1.Stream.Opened.v1';

/** What a stream needs of where it lives. */
export interface StreamHome {
  readonly fanOut: FanOut;
  readonly tail: Tail;
  readonly history: History;
  readonly position: MovingPosition;
  readonly baseUrl: string;
  lagged(): void;
  closed(stream: Stream): void;
  failed(stream: Stream, error: unknown): void;
}

/** Bytes written in one go while catching up, before the receiver is looked at again. */
const CHUNK_BYTES = 128 * 1024;
/** How soon a stream that is further than the shared reader looks again. */
const SHARED_READER_MS = 5;

/**
 * One receiver's live, non-durable stream. It is either a member of a live group, or behind: then it is served from
 * the tail, or from the log where that no longer reaches, at the speed at which it reads, until it has caught up.
 */
export class Stream implements Member {
  readonly sink: StreamSink;
  readonly #tenant: string;
  readonly #selection: Selection;
  #group: Group | undefined;
  #closed = false;

  constructor(
    private readonly home: StreamHome,
    private readonly request: StreamRequest,
    view: View,
  ) {
    const { caller, patterns, matches, wantsRaw, form } = request;
    this.sink = request.sink;
    this.#tenant = caller.tenant;
    this.#selection = { tenant: caller.tenant, patterns, matches, wantsRaw, view, form };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Says where the stream begins, then follows the log from there. */
  async open(): Promise<void> {
    const { start } = this.request;
    if (start === 'now') {
      this.#sayOpened('live', [], this.#livePosition.copy());
      this.#join();
      return;
    }
    const isTime = start !== 'earliest' && 'time' in start;
    const wanted = isTime ? await this.home.history.at(this.#tenant, start.time) : this.#wanted(start);
    const fromEarliest = start === 'earliest';
    const resolved = await this.home.history.resolve(this.#tenant, wanted, fromEarliest, this.home);
    const { position, gaps, resumed } = resolved;
    if (this.#closed) return;
    this.#sayOpened(resumed, gaps, position);
    await this.#catchUp(position);
  }

  /** Ends the stream; nothing is written to it any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave();
    this.home.closed(this);
  }

  onLag(token: string, raw: PositionVector): void {
    const group = this.#group;
    this.#group = undefined;
    if (group !== undefined) this.home.fanOut.leave(group, this);
    this.home.lagged();
    const position = parseToken(this.#tenant, token);
    if (this.#wantsRaw) for (const [topic, offsets] of raw) position.set(topic, [...offsets]);
    this.sink.onceDrained(() => this.#follow(position));
  }

  get #wantsRaw(): boolean {
    return this.request.wantsRaw === true;
  }

  get #livePosition(): TenantPosition {
    return this.home.position.of(this.#tenant);
  }

  #wanted(start: Exclude<StreamStart, 'now' | { time: number }>): PositionVector {
    if (start === 'earliest') return new Map();
    if ('token' in start) return parseToken(this.#tenant, start.token);
    const position = this.#livePosition.copy();
    for (const { topic: object, partition, offset } of start.places) {
      const offsets = position.get(topicOf(object, this.#tenant));
      const live = offsets?.[partition];
      // What there is not is passed over; what is not there yet begins with what comes.
      if (offsets !== undefined && live !== undefined) offsets[partition] = Math.min(offset, live);
    }
    return position;
  }

  #join(): void {
    const { token } = this.#livePosition;
    const raw = this.#wantsRaw ? this.#livePosition.copyOfRaw() : undefined;
    this.#group = this.home.fanOut.group(this.#selection, token, raw);
    this.home.fanOut.join(this.#group, this);
  }

  #leave(): void {
    if (this.#group !== undefined) this.home.fanOut.leave(this.#group, this);
    this.#group = undefined;
  }

  #follow(position: PositionVector): void {
    this.#catchUp(position).catch((error: unknown) => this.home.failed(this, error));
  }

  async #catchUp(from: PositionVector): Promise<void> {
    let position = from;
    while (!this.#closed) {
      if (!this.home.tail.covers(this.#tenant, position, this.#wantsRaw)) {
        position = await this.home.history.read(position, {
          tenant: this.#tenant,
          wantsRaw: this.#wantsRaw,
          wants: (event) => !this.#closed && this.request.matches(event.attributes.type),
          baseUrl: this.home.baseUrl,
          write: (event) => this.#write(this.#bytesOf(event)),
          isOver: () => this.#closed,
        });
        continue;
      }
      const { after, isAll } = this.#writeChunk(position);
      position = after;
      if (!isAll) {
        await this.#room();
      } else if (this.#livePosition.reaches(position)) {
        this.#join();
        return;
      } else {
        // The log was read further than the shared reader has come: joined now, the stream would get those again.
        await delay(SHARED_READER_MS);
      }
    }
  }

  /** Writes from the tail, up to a bound; says where the stream is after that, and whether that was all there is. */
  #writeChunk(position: PositionVector): { after: PositionVector; isAll: boolean } {
    const frames: Buffer[] = [];
    let bytes = 0;
    let last: DispatchedEvent | undefined;
    let isAhead = true;
    const raw: PositionVector = new Map();
    for (const event of this.home.tail.since(this.#tenant, position, this.#wantsRaw)) {
      last = event;
      if (isRawTopic(event.stored.topic)) movePast(raw, event.stored);
      if (!this.request.matches(event.stored.attributes.type)) continue;
      // Who read the log by itself may be further in other partitions than the shared reader was at this event: then
      // the shared token would lead back. Once it does not, those of later events do not either.
      if (isAhead) isAhead = !reaches(this.#positionAfter(event), position);
      const frame = this.#bytesOf(
        isAhead ? this.#withToken(event, furthest(position, this.#positionAfter(event))) : event,
      );
      frames.push(frame);
      bytes += frame.length;
      if (bytes >= CHUNK_BYTES) break;
    }
    if (frames.length > 0) this.sink.write(Buffer.concat(frames));
    if (last === undefined) return { after: position, isAll: true };
    return { after: furthest(furthest(position, this.#positionAfter(last)), raw), isAll: bytes < CHUNK_BYTES };
  }

  #positionAfter(event: DispatchedEvent): PositionVector {
    return parseToken(this.#tenant, event.token);
  }

  /** The event for one stream alone, that resumes after it elsewhere than others do. */
  #withToken({ stored, number, baseUrl }: DispatchedEvent, position: PositionVector): DispatchedEvent {
    return new DispatchedEvent(stored, number, formatToken(this.#tenant, position), baseUrl);
  }

  #bytesOf(event: DispatchedEvent): Buffer {
    return this.#selection.view.of(event).as(this.request.form);
  }

  async #write(bytes: Buffer): Promise<void> {
    this.sink.write(bytes);
    await this.#room();
  }

  /** Waits until the receiver has read what it was given, if that is much. */
  async #room(): Promise<void> {
    if (this.sink.queuedBytes <= this.home.fanOut.maxQueuedBytes / 4) return;
    await new Promise<void>((resolve) => this.sink.onceDrained(resolve));
  }

  #sayOpened(resumed: Resumed, gaps: readonly StreamGap[], position: PositionVector): void {
    const opened = new DispatchedEvent(
      {
        topic: '',
        partition: 0,
        offset: 0,
        key: '',
        appendedAt: Date.now(),
        value: new Uint8Array(0),
        attributes: {
          id: uuidv7(),
          source: `${this.home.baseUrl}/v1/stream`,
          type: OPENED_TYPE,
          time: new Date().toISOString(),
          datacontenttype: 'application/json',
        },
        data: { resumed, types: this.request.patterns, gaps },
      },
      0,
      formatToken(this.#tenant, position),
      this.home.baseUrl,
    );
    this.sink.write(opened.as(this.request.form));
  }
}
