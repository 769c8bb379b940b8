import { type Socket, connect } from 'node:net';
import { AmqpWriter } from './amqp-writer.js';
import { FrameStream } from './frame-stream.js';
import { AMQP_FRAME, SASL_FRAME } from './performative-writer.js';
import { type Performative, readPerformative } from './performatives.js';

/** A value of a performative: numbers are uints, texts strings; what writes itself is anything else. */
export type Value = null | boolean | number | string | Uint8Array | Written;
type Written = (writer: AmqpWriter) => void;
type Kind = Performative['kind'];
type Said<K extends Kind> = Performative & { kind: K };

export const symbol =
  (text: string): Written =>
  (writer) =>
    writer.symbol(text);

export const ubyte =
  (value: number): Written =>
  (writer) =>
    writer.ubyte(value);

/** A list that a code describes: a source, a target, a state, an error. */
export const described =
  (code: number, ...fields: Value[]): Written =>
  (writer) => {
    const list = writer.described(code).beginList();
    for (const field of fields) put(writer, field);
    writer.end(list, fields.length);
  };

export const ACCEPTED_STATE = described(0x24);

/** A peer that says frame by frame what a test has it say, right or wrong, and nothing of its own accord. */
export class AmqpPeer {
  /** All that came, but for what says nothing. */
  readonly said: Performative[] = [];
  /** The payloads of transfers. */
  readonly payloads: Buffer[] = [];
  /** Bytes of the largest frame that came. */
  largestFrame = 0;
  /** Frames that say nothing. */
  heartbeats = 0;
  isClosed = false;
  #writer = new AmqpWriter();
  #taken = 0;
  readonly #stream = new FrameStream(16 * 1024 * 1024);
  #phase: 'sasl-header' | 'sasl' | 'header' | 'amqp' = 'sasl-header';
  #heard: (() => void)[] = [];

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** Somebody who is known, and has opened nothing yet. */
  static async connect(port: number, token: string): Promise<AmqpPeer> {
    const socket = connect(port, '127.0.0.1');
    const peer = new AmqpPeer(socket);
    peer.#writer.raw(header(3));
    const frame = peer.#writer.beginFrame(SASL_FRAME, 0);
    described(0x41, symbol('PLAIN'), Buffer.from(`\0any\0${token}`))(peer.#writer);
    peer.#writer.endFrame(frame);
    peer.#writer.raw(header(0));
    peer.flush();
    await peer.#until(() => peer.#phase === 'amqp');
    return peer;
  }

  /** Opens the connection, and begins a session on channel 0. */
  static async open(
    port: number,
    token: string,
    { frames = 65_536, idleMs = null as number | null } = {},
  ): Promise<AmqpPeer> {
    const peer = await AmqpPeer.connect(port, token);
    peer.say(0, 0x10, ['peer', null, frames, null, idleMs]);
    await peer.next('open');
    peer.begin(0);
    await peer.next('begin');
    return peer;
  }

  begin(channel: number, { window = 10_000, handleMax = null as number | null } = {}): void {
    this.say(channel, 0x11, [null, 0, window, 10_000, handleMax]);
  }

  /** Attaches as a receiver; `more` are the fields behind the target. */
  receive(handle: number, name: string, address: string, { channel = 0, more = [] as Value[] } = {}): void {
    this.say(channel, 0x12, [
      name,
      handle,
      true,
      ubyte(0),
      ubyte(0),
      described(0x28, address),
      described(0x29),
      ...more,
    ]);
  }

  /** Attaches as a sender. */
  send(handle: number, name: string, address: string, channel = 0): void {
    this.say(channel, 0x12, [
      name,
      handle,
      false,
      ubyte(0),
      ubyte(0),
      described(0x28),
      described(0x29, address),
      null,
      null,
      0,
    ]);
  }

  credit(handle: number, credit: number, { drain = false, count = 0, channel = 0 } = {}): void {
    this.say(channel, 0x13, [0, 10_000, 0, 10_000, handle, count, credit, null, drain]);
  }

  /** A part of a message, or all of it. */
  transfer(
    handle: number,
    deliveryId: number | null,
    payload: Uint8Array,
    { more = false, aborted = false, state = null as Value, format = 0, settled = false } = {},
  ): void {
    const tag = deliveryId === null ? null : Buffer.from([deliveryId]);
    const fields = [handle, deliveryId, tag, format, settled, more, null, state, false, aborted];
    this.say(0, 0x14, fields, payload);
  }

  /** Says what became of deliveries. */
  settle(first: number, last: number, state: Value, settled = true): void {
    this.say(0, 0x15, [true, first, last, settled, state]);
  }

  /** A frame, which goes out at once. */
  say(channel: number, code: number, fields: readonly Value[], payload?: Uint8Array): void {
    const frame = this.#writer.beginFrame(AMQP_FRAME, channel);
    described(code, ...fields)(this.#writer);
    if (payload !== undefined) this.#writer.raw(payload);
    this.#writer.endFrame(frame);
    this.flush();
  }

  flush(): void {
    this.socket.write(this.#writer.take());
  }

  /** The next of what came that is of this kind; what came before it is passed over. */
  async next<K extends Kind>(kind: K): Promise<Said<K>> {
    let found: Performative | undefined;
    await this.#until(() => {
      while (found === undefined && this.#taken < this.said.length) {
        const one = this.said[this.#taken++]!;
        if (one.kind === kind) found = one;
      }
      return found !== undefined || this.isClosed;
    });
    if (found === undefined)
      throw new Error(`closed before any ${kind}; came ${this.said.map((one) => one.kind).join()}`);
    return found as Said<K>;
  }

  all<K extends Kind>(kind: K): Said<K>[] {
    return this.said.filter((one): one is Said<K> => one.kind === kind);
  }

  async closed(): Promise<void> {
    await this.#until(() => this.isClosed);
  }

  async #until(isThere: () => boolean): Promise<void> {
    const until = Date.now() + 10_000;
    while (!isThere()) {
      if (Date.now() > until) throw new Error(`nothing came; before: ${this.said.map((one) => one.kind).join()}`);
      await new Promise<void>((resolve) => {
        this.#heard.push(resolve);
        setTimeout(resolve, 1000);
      });
    }
  }

  #read(bytes: Buffer): void {
    this.#stream.add(bytes);
    while (this.#step());
    this.#wake();
  }

  #step(): boolean {
    if (this.#phase === 'sasl-header' || this.#phase === 'header') {
      if (this.#stream.header() === undefined) return false;
      this.#phase = this.#phase === 'header' ? 'amqp' : 'sasl';
      return true;
    }
    const frame = this.#stream.frame();
    if (frame === undefined) return false;
    this.largestFrame = Math.max(this.largestFrame, frame.body.length + 8);
    // The mechanisms, and then the outcome.
    if (this.#phase === 'sasl') {
      if (frame.body[2] === 0x44) this.#phase = 'header';
    } else if (frame.body.length === 0) this.heartbeats += 1;
    else {
      const { said, payload } = readPerformative(frame.body);
      this.said.push(said);
      if (said.kind === 'transfer') this.payloads.push(Buffer.from(payload));
    }
    return true;
  }

  #wake(): void {
    const heard = this.#heard;
    this.#heard = [];
    for (const callback of heard) callback();
  }
}

function header(protocol: number): Buffer {
  return Buffer.from([0x41, 0x4d, 0x51, 0x50, protocol, 1, 0, 0]);
}

function put(writer: AmqpWriter, value: Value): void {
  if (value === null) writer.null();
  else if (typeof value === 'boolean') writer.boolean(value);
  else if (typeof value === 'number') writer.uint(value);
  else if (typeof value === 'string') writer.string(value);
  else if (typeof value === 'function') value(writer);
  else writer.binary(value);
}
