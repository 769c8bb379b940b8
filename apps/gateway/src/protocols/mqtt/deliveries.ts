import type { IPublishPacket } from 'mqtt-packet';
import { type Message, messageOf } from '../../messages/message.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { Grant, LeaseReceiver, Settlement } from '../../queues/lease-book.js';
import type { ConnectWish } from './connect.js';
import type { Flying } from './flight.js';
import { propertiesOfMessage, topicOfMessage } from './message-packet.js';
import { packetBytes } from './mqtt.frames.js';
import { verdictOf } from './reason-codes.js';
import type { MqttSession } from './session.js';
import type { DeliverySource } from './source.js';
import type { Selection } from './subscriptions.js';

/** Where deliveries go. */
export interface DeliveryWay {
  write(bytes: Buffer): void;
  /** Ends the connection. */
  fail(error: unknown): void;
  /** Whether the client does not keep up with reading. */
  readonly isFull: boolean;
  readonly receiver: LeaseReceiver;
  readonly namespaces: Namespaces;
}

export type DeliveryWish = Pick<ConnectWish, 'version' | 'receiveMaximum' | 'maxPacketBytes' | 'aliasMaximum'>;

interface Taking {
  source: DeliverySource;
  select(topic: string): Selection | undefined;
  isWaiting: boolean;
  ending: AbortController;
}

/** Leased at once at most: others have their turn, and little is handed back when the client stops reading. */
const BATCH = 100;
const AGAIN_MS = 1000;

/**
 * What one connection of a session is given: from its own queue and those it shares, at most as many messages at once as
 * its receive maximum, and only as fast as it reads. Nothing is written twice on one connection (MQTT-4.4.0-1).
 */
export class Deliveries {
  readonly #takings = new Map<DeliverySource, Taking>();
  readonly #said = new Map<DeliverySource, Settlement[]>();
  readonly #aliases = new Map<string, number>();
  #isOver = false;

  constructor(
    private readonly session: MqttSession,
    private readonly wish: DeliveryWish,
    private readonly way: DeliveryWay,
  ) {}

  /** Begins to take from a queue. */
  take(source: DeliverySource, select: (topic: string) => Selection | undefined): void {
    const taking: Taking = { source, select, isWaiting: false, ending: new AbortController() };
    this.#takings.set(source, taking);
    this.#fill(taking);
  }

  /** Takes nothing more from a queue; what is on its way from there may still be acknowledged. */
  leave(source: DeliverySource): void {
    this.#takings.get(source)?.ending.abort();
    this.#takings.delete(source);
  }

  /** Writes once more what was on its way when the connection before ended: the same ids, in the same order, as repeats. */
  resend(): void {
    this.session.renew();
    const { receiveMaximum } = this.wish;
    for (const [at, flying] of this.session.flight.all.entries()) {
      if (at < receiveMaximum) {
        this.way.write(this.#bytesOf(this.#messageOf(flying.grant), flying, flying.packetId, true));
        continue;
      }
      // The client takes less at once than it did: it is given the rest anew.
      this.session.flight.end(flying.packetId);
      flying.source.handBack([flying.grant]);
    }
  }

  /** What the client says to a message. It counts with {@link settle}. */
  acknowledged(packetId: number, reason: number | undefined, words: string | undefined): void {
    const flying = this.session.flight.end(packetId);
    if (flying === undefined) return;
    const action = verdictOf(reason);
    const { token } = flying.grant;
    const why = words ?? (reason === undefined ? undefined : `PUBACK 0x${reason.toString(16)}`);
    this.#say(
      flying.source,
      action === 'accept' || why === undefined ? { token, action } : { token, action, reason: why },
    );
  }

  /** Settles what was said since the last time, and goes on where there is room again. */
  settle(): void {
    for (const [source, settlements] of this.#said) {
      const answer = source.settle(settlements);
      // What could not be settled comes again.
      if (answer instanceof Promise) answer.catch(() => undefined);
    }
    this.#said.clear();
    this.fill();
  }

  /** Takes what there is room for. */
  fill(): void {
    for (const taking of this.#takings.values()) this.#fill(taking);
  }

  close(): void {
    this.#isOver = true;
    for (const { ending } of this.#takings.values()) ending.abort();
    this.#takings.clear();
  }

  #fill = (taking: Taking): void => {
    const room = this.wish.receiveMaximum - this.session.flight.size;
    if (this.#isOver || taking.isWaiting || taking.ending.signal.aborted || room <= 0 || this.way.isFull) return;
    taking.isWaiting = true;
    const { receiver } = this.way;
    taking.source
      .waitFor({ max: Math.min(room, BATCH), receiver }, taking.ending.signal)
      .then(
        (grants) => this.#granted(taking, grants),
        () => {
          taking.isWaiting = false;
          // Of another instance, which is away or moves.
          setTimeout(this.#fill, AGAIN_MS, taking).unref();
        },
      )
      .catch((error: unknown) => this.way.fail(error));
  };

  #granted(taking: Taking, grants: readonly Grant[]): void {
    taking.isWaiting = false;
    // None: this connection leaves, or the queue does and says so.
    if (grants.length === 0) return;
    let at = 0;
    while (at < grants.length && this.#canWrite(taking)) {
      this.#deliver(taking, grants[at]!);
      at += 1;
    }
    // Another queue was faster, or the client does not keep up: others may have the rest.
    if (at < grants.length) taking.source.handBack(grants.slice(at));
    this.settle();
    // One batch a turn, so that neither other connections nor what clients say waits for all of it.
    setImmediate(this.#fill, taking);
  }

  #canWrite({ ending }: Taking): boolean {
    if (this.#isOver || ending.signal.aborted || this.way.isFull) return false;
    return this.session.flight.size < this.wish.receiveMaximum;
  }

  #deliver({ source, select }: Taking, grant: Grant): void {
    const message = this.#messageOf(grant);
    const selection = select(topicOfMessage(message));
    const { token } = grant;
    const isOwn = selection?.noLocal === true && this.session.own.get(message.id) === true;
    // What no subscription is on any more was taken when one was.
    if (selection === undefined || isOwn) {
      this.#say(source, { token, action: 'accept' });
      return;
    }
    const flight = { source, grant, selection, since: performance.now() };
    const flying = selection.qos === 0 ? undefined : this.session.flight.add(flight);
    const bytes = this.#bytesOf(message, flight, flying?.packetId, grant.lease.redelivery !== 'no');
    if (bytes.length > this.wish.maxPacketBytes) {
      if (flying !== undefined) this.session.flight.end(flying.packetId);
      this.#say(source, { token, action: 'reject', reason: 'larger than the packets that the client takes' });
      return;
    }
    this.way.write(bytes);
    if (flying === undefined) this.#say(source, { token, action: 'accept' });
  }

  #messageOf({ lease }: Grant): Message {
    return messageOf(lease, this.wish.version === 5 ? 'binary' : 'structured', this.way.namespaces);
  }

  #bytesOf(
    message: Message,
    { grant, selection }: Pick<Flying, 'grant' | 'selection'>,
    packetId: number | undefined,
    isRepeat: boolean,
  ): Buffer {
    const { version } = this.wish;
    const packet: IPublishPacket = {
      cmd: 'publish',
      topic: topicOfMessage(message),
      payload: message.body,
      qos: packetId === undefined ? 0 : 1,
      dup: packetId !== undefined && isRepeat,
      retain: false,
      ...(packetId === undefined ? {} : { messageId: packetId }),
    };
    if (version === 5) {
      packet.properties = propertiesOfMessage(message, grant.lease, selection.identifiers, Date.now());
      this.#shorten(packet, packet.properties);
    }
    const bytes = packetBytes(packet, version);
    // The client never hears of this number, should it have been a new one.
    if (bytes.length > this.wish.maxPacketBytes && packet.topic !== '') this.#aliases.delete(packet.topic);
    return bytes;
  }

  /** A topic that came before is named by its number. */
  #shorten(packet: IPublishPacket, properties: NonNullable<IPublishPacket['properties']>): void {
    const known = this.#aliases.get(packet.topic);
    if (known !== undefined) {
      properties.topicAlias = known;
      packet.topic = '';
    } else if (this.#aliases.size < this.wish.aliasMaximum) {
      properties.topicAlias = this.#aliases.size + 1;
      this.#aliases.set(packet.topic, properties.topicAlias);
    }
  }

  #say(source: DeliverySource, settlement: Settlement): void {
    const said = this.#said.get(source);
    if (said === undefined) this.#said.set(source, [settlement]);
    else said.push(settlement);
  }
}
