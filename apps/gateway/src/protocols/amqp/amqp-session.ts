import { HeddleError } from '@heddle/event';
import { amqpErrorOf } from './conditions.js';
import type { AmqpError, DeliveryState } from './delivery-state.js';
import type { ClientConnection, Link, LinkSession, OutgoingLink } from './link.js';
import { openLink } from './open-link.js';
import type { SentAttach, SettledRange } from './performative-writer.js';
import type { Attach, Disposition, Flow, Performative, Transfer } from './performatives.js';

/** A message on its way to the client, in pieces that no frame holds as a whole. */
interface Sending {
  link: OutgoingLink;
  deliveryId: number;
  tag: Buffer;
  settled: boolean;
  bytes: Buffer;
  at: number;
}

/** Transfers that the client may have under way; its links are bounded by their credit. */
const INCOMING_WINDOW = 2048;
/** What a transfer has beside its payload, at most. */
const TRANSFER_BYTES = 96;
/** What an attach has beside names and addresses, at most. */
const ATTACH_BYTES = 384;

/** One session of a connection: its links, and the windows and numbers that they share. */
export class AmqpSession implements LinkSession {
  readonly #links = new Map<number, Link>();
  /** Handles that were detached from here, until the client says so too; what comes for them is passed over. */
  readonly #detached = new Set<number>();
  /** Whose deliveries the client has not settled. */
  readonly #unsettled = new Map<number, OutgoingLink>();
  #sending: Sending[] = [];
  #nextIncomingId: number;
  #incomingWindow = INCOMING_WINDOW;
  #nextOutgoingId = 0;
  #remoteWindow: number;
  #nextDeliveryId = 0;
  #whenRoom: (() => void)[] = [];
  #isEnded = false;
  #isWaiting = false;
  readonly #handleMax: number;

  constructor(
    readonly connection: ClientConnection,
    readonly channel: number,
    { nextOutgoingId, incomingWindow, handleMax }: Performative & { kind: 'begin' },
  ) {
    this.#nextIncomingId = nextOutgoingId;
    this.#remoteWindow = incomingWindow;
    const most = connection.home.settings.amqpLinks - 1;
    // A link is answered by the handle that it comes with, which has to be one that the client takes.
    this.#handleMax = Math.min(most, handleMax);
    connection.writer.begin(channel, {
      remoteChannel: channel,
      incomingWindow: INCOMING_WINDOW,
      handleMax: most,
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether what is sent now goes out at once. */
  get hasRoom(): boolean {
    return this.#sending.length === 0 && this.#remoteWindow > 0 && !this.connection.isFull;
  }

  onceRoom(callback: () => void): void {
    if (this.connection.isFull) this.connection.onceRoom(callback);
    else this.#whenRoom.push(callback);
  }

  /** @throws HeddleError `frame-invalid` for what ends the connection */
  take(said: Performative, payload: Buffer): void {
    switch (said.kind) {
      case 'attach':
        return this.#attach(said);
      case 'flow':
        return this.#flow(said);
      case 'transfer':
        return this.#transfer(said, payload);
      case 'disposition':
        return this.#settle(said);
      case 'detach':
        return this.#detachedBy(said.handle, said.closed);
      default:
        throw new HeddleError('frame-invalid', `A session takes no ${said.kind}.`);
    }
  }

  tick(now: number): void {
    for (const link of this.#links.values()) link.tick(now);
  }

  /** The client has ended it, or is gone: what it has not settled goes back. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#unsettled.clear();
    this.#sending = [];
    for (const link of this.#links.values()) this.#end(link);
    this.#links.clear();
  }

  /** A link has its name for itself in each direction: whoever attaches it again takes it over (part 2, section 2.6.1). */
  steal(name: string, isReceiver: boolean): void {
    for (const [handle, link] of this.#links) {
      if (link.name !== name || link.isReceiver !== isReceiver) continue;
      this.detach(handle, { condition: 'amqp:link:stolen', description: 'The link was attached again.' });
    }
  }

  /** Says that a link is open, as it is understood here. */
  attached(fields: SentAttach): void {
    this.connection.writer.attach(this.channel, fields);
    this.connection.wrote();
  }

  /** Ends a link from here, and says why. */
  detach(handle: number, error?: AmqpError): void {
    const link = this.#links.get(handle);
    if (link === undefined || this.#isEnded) return;
    this.#links.delete(handle);
    this.#detached.add(handle);
    this.#end(link);
    this.connection.writer.detach(this.channel, handle, error);
    this.connection.wrote();
  }

  flowOf(handle: number, deliveryCount: number, credit: number, drain = false): void {
    if (this.#isEnded) return;
    this.connection.writer.flow(this.channel, {
      ...this.#windows(),
      link: { handle, deliveryCount, credit, drain },
    });
    this.connection.wrote();
  }

  /** Sends a message; returns its number, under which the client settles it. */
  send(link: OutgoingLink, prefix: Buffer, bare: Buffer): number {
    const { connection, channel } = this;
    const deliveryId = this.#nextDeliveryId;
    this.#nextDeliveryId = (deliveryId + 1) >>> 0;
    const { handle, isSettled: settled } = link;
    const tag = Buffer.allocUnsafe(4);
    tag.writeUInt32BE(deliveryId);
    if (!settled) this.#unsettled.set(deliveryId, link);
    if (this.hasRoom && prefix.length + bare.length + TRANSFER_BYTES <= connection.maxFrameBytes) {
      const { writer } = connection;
      const frame = writer.transfer(channel, { handle, deliveryId, tag, settled, more: false });
      writer.raw(prefix);
      writer.raw(bare);
      writer.endFrame(frame);
      this.#countOutgoing();
      connection.wrote();
    } else {
      this.#sending.push({ link, deliveryId, tag, settled, bytes: Buffer.concat([prefix, bare]), at: 0 });
      this.#pump();
    }
    return deliveryId;
  }

  /** Says what became of deliveries, with one frame for each range. */
  settled(isReceiver: boolean, ranges: readonly SettledRange[]): void {
    if (this.#isEnded) return;
    for (const range of ranges) this.connection.writer.disposition(this.channel, isReceiver, range);
    this.connection.wrote();
  }

  #attach(attach: Attach): void {
    const { handle, name } = attach;
    if (handle > this.#handleMax) {
      throw new HeddleError(
        'frame-invalid',
        `A session has ${this.#handleMax + 1} links at most: handles 0 to ${this.#handleMax}.`,
      );
    }
    if (this.#links.has(handle) || this.#detached.has(handle)) {
      this.#violated('amqp:session:handle-in-use', `The handle ${handle} is in use.`);
      return;
    }
    // The answer has the names and addresses again.
    if (textBytesOf(attach) + ATTACH_BYTES > this.connection.maxFrameBytes) {
      throw new HeddleError('frame-invalid', 'A link cannot be answered within the frames that the client takes.');
    }
    this.connection.steal(name, !attach.isReceiver);
    const { connection } = this;
    try {
      const { amqpLinks } = connection.home.settings;
      if (connection.linkCount >= amqpLinks) {
        throw new HeddleError('quota-exceeded', `A connection has ${amqpLinks} links at most.`);
      }
      connection.linkCount += 1;
      try {
        this.#links.set(handle, openLink(this, attach));
      } catch (error) {
        connection.linkCount -= 1;
        throw error;
      }
    } catch (error) {
      this.#refuse(attach, error);
    }
  }

  /** Answers an attach without an end on this side, and detaches it with the reason (part 2, section 2.6.3). */
  #refuse(attach: Attach, error: unknown): void {
    if (!(error instanceof HeddleError)) this.connection.home.failed(error);
    const { name, handle, isReceiver } = attach;
    const modes = { sndSettleMode: attach.sndSettleMode, rcvSettleMode: 0, maxMessageSize: 0 };
    const ends = isReceiver
      ? { source: null, target: { address: addressOf(attach.target) } }
      : { source: { address: addressOf(attach.source) }, target: null };
    this.attached({ name, handle, isReceiver: !isReceiver, ...modes, ...ends });
    this.#detached.add(handle);
    this.connection.writer.detach(this.channel, handle, amqpErrorOf(error));
    this.connection.wrote();
  }

  #flow(flow: Flow): void {
    const { nextIncomingId = 0, incomingWindow } = flow;
    const underWay = (this.#nextOutgoingId - nextIncomingId) | 0;
    this.#remoteWindow = Math.max(0, incomingWindow - Math.max(0, underWay));
    this.#pump();
    if (flow.handle !== undefined) this.#linkOf(flow.handle)?.flow(flow);
    else if (flow.echo) this.#sayWindows();
    this.#sayRoom();
  }

  #transfer(transfer: Transfer, payload: Buffer): void {
    // Links are bounded by their credit: the window opens again before it is used up.
    this.#nextIncomingId = (this.#nextIncomingId + 1) >>> 0;
    this.#incomingWindow -= 1;
    if (this.#incomingWindow < INCOMING_WINDOW / 2) {
      this.#incomingWindow = INCOMING_WINDOW;
      this.#sayWindows();
    }
    this.#linkOf(transfer.handle)?.transfer(transfer, payload);
  }

  #settle({ isReceiver, first, last, state, settled }: Disposition): void {
    // What the client sends is settled from here, once and for all.
    if (!isReceiver) return;
    const count = ((last - first) >>> 0) + 1;
    if (count > this.#unsettled.size) {
      // Whoever names more than there are means those that there are.
      for (const id of [...this.#unsettled.keys()]) {
        if ((id - first) >>> 0 < count) this.#settleOne(id, state, settled);
      }
      return;
    }
    for (let left = count, id = first; left > 0; left -= 1, id = (id + 1) >>> 0) this.#settleOne(id, state, settled);
  }

  #settleOne(id: number, state: DeliveryState | undefined, settled: boolean): void {
    const link = this.#unsettled.get(id);
    if (link === undefined) return;
    if (link.settle(id, state, settled)) this.#unsettled.delete(id);
  }

  #detachedBy(handle: number, closed: boolean): void {
    if (this.#detached.delete(handle)) return;
    const link = this.#linkOf(handle);
    if (link === undefined) return;
    this.#links.delete(handle);
    this.#end(link);
    this.connection.writer.detach(this.channel, handle, undefined, closed);
    this.connection.wrote();
  }

  /** Nothing for one that was detached from here: the client does not know that yet. */
  #linkOf(handle: number): Link | undefined {
    const link = this.#links.get(handle);
    if (link === undefined && !this.#detached.has(handle)) {
      this.#violated('amqp:session:unattached-handle', `No link is attached with the handle ${handle}.`);
    }
    return link;
  }

  /** The client broke a rule of sessions: this one ends, and what still comes for it is passed over. */
  #violated(condition: string, description: string): void {
    this.end();
    this.connection.writer.endSession(this.channel, { condition, description });
    this.connection.wrote();
  }

  #end(link: Link): void {
    this.connection.linkCount -= 1;
    link.end();
    for (const [id, of] of this.#unsettled) if (of === link) this.#unsettled.delete(id);
    if (!this.#sending.some((sending) => sending.link === link)) return;
    // What has begun is broken off by the end of its link; others may go on.
    this.#sending = this.#sending.filter((sending) => sending.link !== link);
    this.#sayRoom();
  }

  /** Writes of what waits as much as the window of the client allows. */
  #pump(): void {
    const { connection, channel } = this;
    while (this.#remoteWindow > 0) {
      const sending = this.#sending[0];
      if (sending === undefined) break;
      const { link, deliveryId, tag, settled, bytes, at } = sending;
      const { handle } = link;
      const until = Math.min(bytes.length, at + connection.maxFrameBytes - TRANSFER_BYTES);
      const more = until < bytes.length;
      const frame = connection.writer.transfer(channel, { handle, deliveryId, tag, settled, more });
      connection.writer.raw(bytes.subarray(at, until));
      connection.writer.endFrame(frame);
      this.#countOutgoing();
      connection.wrote();
      sending.at = until;
      if (!more) this.#sending.shift();
    }
  }

  #countOutgoing(): void {
    this.#nextOutgoingId = (this.#nextOutgoingId + 1) >>> 0;
    this.#remoteWindow -= 1;
  }

  #sayWindows(): void {
    this.connection.writer.flow(this.channel, this.#windows());
    this.connection.wrote();
  }

  #windows() {
    return {
      nextIncomingId: this.#nextIncomingId,
      incomingWindow: this.#incomingWindow,
      nextOutgoingId: this.#nextOutgoingId,
    };
  }

  #sayRoom(): void {
    if (this.#whenRoom.length === 0) return;
    if (this.connection.isFull) {
      // The window of the client may have opened meanwhile, which it will not say again.
      if (this.#isWaiting) return;
      this.#isWaiting = true;
      this.connection.onceRoom(() => {
        this.#isWaiting = false;
        this.#sayRoom();
      });
      return;
    }
    if (!this.hasRoom) return;
    const waiting = this.#whenRoom;
    this.#whenRoom = [];
    for (const callback of waiting) callback();
  }
}

function textBytesOf({ name, source, target }: Attach): number {
  return [name, addressOf(source), addressOf(target)].reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
}

function addressOf(terminus: Attach['source'] | Attach['target']): string | undefined {
  return typeof terminus === 'object' ? terminus.address : undefined;
}
