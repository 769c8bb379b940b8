import { AmqpWriter } from './amqp-writer.js';
import { type AmqpError, type DeliveryState, writeError, writeState } from './delivery-state.js';

export const AMQP_FRAME = 0;
export const SASL_FRAME = 1;

/** A range of deliveries that came to the same. */
export interface SettledRange {
  first: number;
  last: number;
  state: DeliveryState;
}

export interface SentAttach {
  name: string;
  handle: number;
  isReceiver: boolean;
  sndSettleMode: number;
  rcvSettleMode: number;
  /** Null where the gateway's own end is refused; a detach with the reason follows. */
  source: { address: string | undefined; defaultOutcome?: DeliveryState; isQueue?: boolean } | null;
  target: { address: string | undefined } | null;
  maxMessageSize: number;
}

export interface SentFlow {
  nextIncomingId: number;
  incomingWindow: number;
  nextOutgoingId: number;
  link?: { handle: number; deliveryCount: number; credit: number; drain: boolean };
}

/** What the sending side of a session may have under way; the window of the other side is what counts. */
const OUTGOING_WINDOW = 0x7fff_ffff;
const OUTCOMES = ['amqp:accepted:list', 'amqp:rejected:list', 'amqp:released:list', 'amqp:modified:list'];

/** Writes what the gateway says, frame by frame (part 2, section 2.7, and part 5, section 5.3.3). */
export class PerformativeWriter extends AmqpWriter {
  #maxText = maxTextOf(0);

  /** Cuts what is said in words, so that it fits into frames that the client takes. */
  limitTexts(maxFrameBytes: number): void {
    this.#maxText = maxTextOf(maxFrameBytes);
  }

  protocolHeader(protocol: number): void {
    this.raw(Buffer.from([0x41, 0x4d, 0x51, 0x50, protocol, 1, 0, 0]));
  }

  saslMechanisms(names: readonly string[]): void {
    const frame = this.beginFrame(SASL_FRAME, 0);
    const list = this.described(0x40).beginList();
    this.symbols(names);
    this.end(list, 1);
    this.endFrame(frame);
  }

  saslChallenge(): void {
    const frame = this.beginFrame(SASL_FRAME, 0);
    const list = this.described(0x42).beginList();
    this.binary(Buffer.alloc(0));
    this.end(list, 1);
    this.endFrame(frame);
  }

  saslOutcome(code: number): void {
    const frame = this.beginFrame(SASL_FRAME, 0);
    const list = this.described(0x44).beginList();
    this.ubyte(code);
    this.end(list, 1);
    this.endFrame(frame);
  }

  open(fields: { containerId: string; maxFrameSize: number; channelMax: number; idleTimeoutMs: number }): void {
    this.#frame(0, 0x10, 10, () => {
      this.string(fields.containerId);
      this.null();
      this.uint(fields.maxFrameSize);
      this.ushort(fields.channelMax);
      this.uint(fields.idleTimeoutMs);
      this.null();
      this.null();
      // Without it Qpid JMS would make a link for each destination of a producer that has none of its own.
      this.symbols(['ANONYMOUS-RELAY']);
      this.null();
      const map = this.beginMap();
      this.symbol('product');
      this.string('heddle');
      this.end(map, 2);
    });
  }

  begin(channel: number, fields: { remoteChannel: number; incomingWindow: number; handleMax: number }): void {
    this.#frame(channel, 0x11, 5, () => {
      this.ushort(fields.remoteChannel);
      this.uint(0);
      this.uint(fields.incomingWindow);
      this.uint(OUTGOING_WINDOW);
      this.uint(fields.handleMax);
    });
  }

  attach(channel: number, fields: SentAttach): void {
    this.#frame(channel, 0x12, 11, () => {
      this.string(fields.name);
      this.uint(fields.handle);
      this.boolean(fields.isReceiver);
      this.ubyte(fields.sndSettleMode);
      this.ubyte(fields.rcvSettleMode);
      this.#source(fields.source);
      this.#target(fields.target);
      this.null();
      this.null();
      if (fields.isReceiver) this.null();
      else this.uint(0);
      this.ulong(fields.maxMessageSize);
    });
  }

  flow(channel: number, { nextIncomingId, incomingWindow, nextOutgoingId, link }: SentFlow): void {
    this.#frame(channel, 0x13, link === undefined ? 4 : 9, () => {
      this.uint(nextIncomingId);
      this.uint(incomingWindow);
      this.uint(nextOutgoingId);
      this.uint(OUTGOING_WINDOW);
      if (link === undefined) return;
      this.uint(link.handle);
      this.uint(link.deliveryCount);
      this.uint(link.credit);
      this.null();
      this.boolean(link.drain);
    });
  }

  /** Begins a transfer; the payload is written behind it, then the frame is ended with what this returns. */
  transfer(
    channel: number,
    fields: { handle: number; deliveryId: number; tag: Uint8Array; settled: boolean; more: boolean },
  ): number {
    const frame = this.beginFrame(AMQP_FRAME, channel);
    const list = this.described(0x14).beginList();
    this.uint(fields.handle);
    this.uint(fields.deliveryId);
    this.binary(fields.tag);
    this.uint(0);
    this.boolean(fields.settled);
    this.boolean(fields.more);
    this.end(list, 6);
    return frame;
  }

  /** @param isReceiver whether these were deliveries to the gateway */
  disposition(channel: number, isReceiver: boolean, { first, last, state }: SettledRange): void {
    this.#frame(channel, 0x15, 5, () => {
      this.boolean(isReceiver);
      this.uint(first);
      this.uint(last);
      this.boolean(true);
      writeState(this, state, this.#maxText);
    });
  }

  detach(channel: number, handle: number, error?: AmqpError, closed = true): void {
    this.#frame(channel, 0x16, 3, () => {
      this.uint(handle);
      this.boolean(closed);
      writeError(this, error, this.#maxText);
    });
  }

  endSession(channel: number, error?: AmqpError): void {
    this.#frame(channel, 0x17, 1, () => writeError(this, error, this.#maxText));
  }

  close(error?: AmqpError): void {
    this.#frame(0, 0x18, 1, () => writeError(this, error, this.#maxText));
  }

  /** A frame that says nothing but that the connection is there. */
  heartbeat(): void {
    this.endFrame(this.beginFrame(AMQP_FRAME, 0));
  }

  #frame(channel: number, code: number, count: number, fields: () => void): void {
    const frame = this.beginFrame(AMQP_FRAME, channel);
    const list = this.described(code).beginList();
    fields();
    this.end(list, count);
    this.endFrame(frame);
  }

  #source(source: SentAttach['source']): void {
    if (source === null) return this.null();
    const list = this.described(0x28).beginList();
    this.string(source.address);
    // Nothing is kept of a link that has ended, whatever was asked for: neither durable, nor an expiry policy.
    this.uint(0);
    for (let field = 2; field < 6; field += 1) this.null();
    this.symbol(source.isQueue === true ? 'move' : undefined);
    this.null();
    if (source.defaultOutcome === undefined) this.null();
    else writeState(this, source.defaultOutcome);
    this.symbols(OUTCOMES);
    this.end(list, 10);
  }

  #target(target: SentAttach['target']): void {
    if (target === null) return this.null();
    const list = this.described(0x29).beginList();
    this.string(target.address);
    this.end(list, 1);
  }
}

/** A character has four bytes at most, and around it stands what is no text. */
function maxTextOf(maxFrameBytes: number): number {
  return Math.min(1024, Math.max(64, Math.floor((maxFrameBytes - 256) / 4)));
}
