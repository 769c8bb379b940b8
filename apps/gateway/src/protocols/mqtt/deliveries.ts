import { type Message, messageOf } from '../../messages/message.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { Grant, LeaseReceiver, SettleResult, Settlement } from '../../queues/lease-book.js';
import { parseLeaseToken } from '../../queues/lease-token.js';
import type { ConnectWish } from './connect.js';
import type { Flying } from './flight.js';
import { isPublishedRetained, propertiesOfMessage, topicOfMessage } from './message-packet.js';
import { type PublishProperties, type PublishToClient, publishBytes } from './publish-bytes.js';
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
  /** Leased, and not written yet: the client did not keep up. */
  held: Grant[];
}

/** What is to become of a lease. */
interface Said {
  grant: Grant;
  settlement: Settlement;
}

/** Leased at once at most: others have their turn, and little is held when the client stops reading. */
const BATCH = 100;
const BATCH_BYTES = 256 * 1024;
/** A lease that ends sooner is not begun with: it comes again. */
const LEAST_LEASE_MS = 5000;

/**
 * What one connection of a session is given: from its own queue and those it shares, at most as many messages at once as
 * its receive maximum, and only as fast as it reads. Nothing is written twice on one connection (MQTT-4.4.0-1).
 */
export class Deliveries {
  readonly #takings = new Map<DeliverySource, Taking>();
  readonly #said = new Map<DeliverySource, Said[]>();
  readonly #aliases = new Map<string, number>();
  /** Of a packet, lately. */
  #bytes = 1024;
  #isOver = false;

  constructor(
    private readonly session: MqttSession,
    private readonly wish: DeliveryWish,
    private readonly way: DeliveryWay,
  ) {}

  /** Begins to take from a queue. */
  take(source: DeliverySource, select: (topic: string) => Selection | undefined): void {
    const taking: Taking = { source, select, isWaiting: false, ending: new AbortController(), held: [] };
    this.#takings.set(source, taking);
    this.#fill(taking);
  }

  /** Takes nothing more from a queue; what is on its way from there may still be acknowledged. */
  leave(source: DeliverySource): void {
    const taking = this.#takings.get(source);
    if (taking === undefined) return;
    this.#takings.delete(source);
    this.#end(taking);
  }

  /** Writes once more what was on its way when the connection before ended: the same ids, in the same order, as repeats. */
  resend(): void {
    this.session.renew();
    this.session.flight.forgetLost();
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
    const { source, grant, isLost } = flying;
    if (isLost === true) {
      if (action === 'accept') this.#remember(grant);
      return;
    }
    const { token } = grant;
    const why = words ?? (reason === undefined ? undefined : `PUBACK 0x${reason.toString(16)}`);
    this.#say(
      source,
      grant,
      action === 'accept' || why === undefined ? { token, action } : { token, action, reason: why },
    );
  }

  /** Settles what was said since the last time, and goes on where there is room again. */
  settle(): void {
    for (const [source, said] of this.#said) {
      const answer = source.settle(said.map(({ settlement }) => settlement));
      if (answer instanceof Promise)
        answer.then(
          (results) => this.#settled(said, results),
          () => this.#settled(said, []),
        );
      else this.#settled(said, answer);
    }
    this.#said.clear();
    this.fill();
  }

  /** Takes what there is room for. */
  fill(): void {
    for (const taking of this.#takings.values()) this.#fill(taking);
  }

  /** Passes on what was said, and takes nothing more. */
  close(): void {
    this.#isOver = true;
    for (const taking of this.#takings.values()) this.#end(taking);
    this.#takings.clear();
    this.settle();
  }

  #end({ ending, source, held }: Taking): void {
    ending.abort();
    source.handBack(held.splice(0));
  }

  #fill = (taking: Taking): void => {
    const room = this.wish.receiveMaximum - this.session.flight.size;
    if (this.#isOver || taking.isWaiting || taking.ending.signal.aborted || room <= 0 || this.way.isFull) return;
    taking.isWaiting = true;
    this.#next(taking, Math.min(room, BATCH, Math.ceil(BATCH_BYTES / this.#bytes)))
      .then((grants) => this.#granted(taking, grants))
      .catch((error: unknown) => this.way.fail(error));
  };

  async #next({ source, held, ending }: Taking, max: number): Promise<readonly Grant[]> {
    const from = Date.now() + LEAST_LEASE_MS;
    const good = held.splice(0).filter(({ expiresAt }) => expiresAt > from);
    if (good.length > 0) return good;
    return source.waitFor({ max, receiver: this.way.receiver }, ending.signal);
  }

  #granted(taking: Taking, grants: readonly Grant[]): void {
    taking.isWaiting = false;
    // None: this connection leaves, or the queue does and says so.
    if (grants.length === 0) return;
    let at = 0;
    while (at < grants.length && this.#canWrite(taking)) {
      this.#deliver(taking, grants[at]!);
      at += 1;
    }
    // Another queue was faster, or the client does not keep up.
    if (at < grants.length) this.#putBack(taking, grants.slice(at));
    this.settle();
    // One batch a turn, so that neither other connections nor what clients say waits for all of it.
    setImmediate(this.#fill, taking);
  }

  #putBack({ source, ending, held }: Taking, grants: readonly Grant[]): void {
    if (source.holdsOn && !ending.signal.aborted && !this.#isOver) held.push(...grants);
    else source.handBack(grants);
  }

  #canWrite({ ending }: Taking): boolean {
    if (this.#isOver || ending.signal.aborted || this.way.isFull) return false;
    return this.session.flight.size < this.wish.receiveMaximum;
  }

  #deliver({ source, select }: Taking, grant: Grant): void {
    const message = this.#messageOf(grant);
    const selected = select(topicOfMessage(message));
    const { token } = grant;
    const isOwn = selected?.own !== undefined && this.session.own.get(message.id) === true;
    const selection = isOwn ? selected.own : selected;
    // What no subscription is on any more was taken when one was.
    if (selection === undefined || selection === null || this.#wasAcknowledged(grant)) {
      this.#say(source, grant, { token, action: 'accept' });
      return;
    }
    const flight = { source, grant, selection, since: performance.now() };
    const flying = selection.qos === 0 ? undefined : this.session.flight.add(flight);
    const bytes = this.#bytesOf(message, flight, flying?.packetId, grant.lease.redelivery !== 'no');
    if (bytes.length > this.wish.maxPacketBytes) {
      if (flying !== undefined) this.session.flight.end(flying.packetId);
      this.#say(source, grant, { token, action: 'reject', reason: 'larger than the packets that the client takes' });
      return;
    }
    this.#bytes = (this.#bytes + bytes.length) / 2;
    this.way.write(bytes);
    if (flying === undefined) this.#say(source, grant, { token, action: 'accept' });
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
    const { identifiers, retainAsPublished, isRetained } = selection;
    const packet: PublishToClient = {
      topic: topicOfMessage(message),
      payload: message.body,
      dup: packetId !== undefined && isRepeat,
      retain: isRetained === true || (retainAsPublished && isPublishedRetained(message)),
      packetId,
      properties: undefined,
    };
    if (this.wish.version === 5) {
      packet.properties = propertiesOfMessage(message, grant.lease, identifiers, Date.now());
      this.#shorten(packet, packet.properties);
    }
    const bytes = publishBytes(packet);
    // The client never hears of this number, should it have been a new one.
    if (bytes.length > this.wish.maxPacketBytes && packet.topic !== '') this.#aliases.delete(packet.topic);
    return bytes;
  }

  /** A topic that came before is named by its number. */
  #shorten(packet: PublishToClient, properties: PublishProperties): void {
    const known = this.#aliases.get(packet.topic);
    if (known !== undefined) {
      properties.topicAlias = known;
      packet.topic = '';
    } else if (this.#aliases.size < this.wish.aliasMaximum) {
      properties.topicAlias = this.#aliases.size + 1;
      this.#aliases.set(packet.topic, properties.topicAlias);
    }
  }

  #say(source: DeliverySource, grant: Grant, settlement: Settlement): void {
    const said = this.#said.get(source);
    if (said === undefined) this.#said.set(source, [{ grant, settlement }]);
    else said.push({ grant, settlement });
  }

  /** What could not be settled comes again. */
  #settled(said: readonly Said[], results: readonly SettleResult[]): void {
    for (const [at, { grant, settlement }] of said.entries()) {
      const result = results[at];
      if (settlement.action === 'accept' && (result === undefined || 'code' in result)) this.#remember(grant);
    }
  }

  /** A client that has acknowledged a message is done with it, whoever works on the queue next. */
  #remember(grant: Grant): void {
    this.session.acknowledged.set(deliveryOf(grant), true);
  }

  #wasAcknowledged(grant: Grant): boolean {
    const delivery = deliveryOf(grant);
    if (this.session.acknowledged.get(delivery) === undefined) return false;
    this.session.acknowledged.delete(delivery);
    return true;
  }
}

/** The same at whichever instance it is leased: the queue as it was made, the delivery cycle, the event. */
function deliveryOf({ token, lease: { cycle, event } }: Grant): string {
  const { source, id } = event.stored.attributes;
  return `${parseLeaseToken(token)?.queue} ${cycle} ${source} ${id}`;
}
