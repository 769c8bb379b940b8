import { HeddleError, uuidv7 } from '@heddle/event';
import type { Packet } from 'mqtt-packet';
import type { MqttVersion, PublishPacket } from './client-packets.js';
import { ALIASES, requireRetain } from './connect.js';
import type { Intake, Taken } from './intake.js';
import { messageOfPacket } from './message-packet.js';
import { MqttRefusal, REASONS, type Reason, isPassing, reasonIn, reasonOf, reasonText } from './reason-codes.js';
import type { MqttSession } from './session.js';

/** What a connection does with what comes of its messages. */
export interface PublishingWay {
  write(packet: Packet): void;
  /** Ends the connection. */
  fail(error: unknown): void;
  /** A message that nobody is to be told about was refused. */
  refused(error: unknown): void;
  /** A message of QoS 2 was released: resolves when that is durable, where it has to be. */
  released(): Promise<void> | undefined;
}

export interface PublishingWish {
  version: MqttVersion;
  wantsWords: boolean;
  /** Messages of QoS 1 and 2 that may be without an answer. */
  maxInFlight: number;
  /** Objects told as retained, at most; 0 when nothing is retained. */
  mqttRetained: number;
}

const WILDCARD = /[+#]/;

/**
 * What a client publishes: each message is in the log, on all in-sync replicas, before it is acknowledged (PUBACK, PUBREC), and is
 * acknowledged in the order it came. A message of QoS 2 is published once for its packet id, also when it comes again after a
 * crash: it has the same id then as an event.
 */
export class Publishing {
  readonly #aliases = new Map<number, string>();
  /** Messages of QoS 1 and 2 that are not answered yet. */
  #unanswered = 0;
  /** Of QoS 2: packet ids that this connection has brought, and has not released. */
  readonly #unreleased = new Set<number>();
  /** Messages of QoS 1 that are not answered yet. */
  #unacknowledged = 0;

  constructor(
    private readonly session: MqttSession,
    private readonly intake: Intake,
    private readonly wish: PublishingWish,
    private readonly way: PublishingWay,
  ) {}

  get unanswered(): number {
    return this.#unanswered;
  }

  /** @throws MqttRefusal what the connection ends with */
  publish(packet: PublishPacket): void {
    const topic = this.#topicOf(packet);
    const { qos, messageId } = packet;
    if (packet.retain) requireRetain(this.wish.version, this.wish);
    if (qos === 0) {
      void this.#take(packet, topic).then((taken) => {
        if ('error' in taken) this.way.refused(taken.error);
      });
      return;
    }
    this.#unanswered += 1;
    if (qos === 1) this.#unacknowledged += 1;
    else this.#unreleased.add(messageId);
    this.#holdToMaximum();
    void this.#once(packet, topic, messageId).then((taken) => {
      this.#unanswered -= 1;
      if (qos === 1) this.#unacknowledged -= 1;
      else if ('error' in taken) this.#unreleased.delete(messageId);
      this.#answer(qos === 1 ? 'puback' : 'pubrec', messageId, taken);
    });
  }

  /** The client has the PUBREC of a message of QoS 2: its packet id is free again. */
  release(messageId: number): void {
    this.#unreleased.delete(messageId);
    const { received, uses, isRevived } = this.session;
    // Some clients take an id that is not known for a message that was lost, also when it was received before a crash.
    const isKnown = received.delete(messageId) || isRevived;
    uses.release(messageId, received.keys());
    const complete = (): void =>
      this.#acknowledge('pubcomp', messageId, isKnown ? REASONS.success : REASONS.packetIdNotFound);
    const durable = this.way.released();
    // Before, the client must not use the id for another message: after a crash that would be taken for this one.
    if (durable === undefined) complete();
    else durable.then(complete, (error: unknown) => this.way.fail(error));
  }

  /** A message of QoS 2 counts until it is released (MQTT 5 §4.9). In MQTT 3.1.1 no more is read while it is too much. */
  #holdToMaximum(): void {
    const { maxInFlight, version } = this.wish;
    if (version === 4 || this.#unacknowledged + this.#unreleased.size <= maxInFlight) return;
    throw new MqttRefusal(REASONS.receiveMaximumExceeded, `At most ${maxInFlight} messages may be under way.`);
  }

  /** A message of QoS 2 that came before under its id is the same one. */
  #once(packet: PublishPacket, topic: string, messageId: number): Promise<Taken> {
    if (packet.qos === 1) return this.#take(packet, topic);
    const { received } = this.session;
    const before = received.get(messageId);
    if (before !== undefined) return before;
    const taken = this.#take(packet, topic);
    received.set(messageId, taken);
    void taken.then((outcome) => {
      // Refused, its id is free again; what may pass is taken anew when it comes again (MQTT 5 §4.3.3).
      if ('error' in outcome && received.get(messageId) === taken) received.delete(messageId);
    });
    return taken;
  }

  async #take(packet: PublishPacket, topic: string): Promise<Taken> {
    try {
      const message = messageOfPacket(packet, topic, Date.now());
      message.messageId = packet.qos === 2 ? this.session.uses.nameOf(packet.messageId) : uuidv7();
      const id = message.attributes?.['id'] ?? message.messageId;
      this.session.own.set(id, true);
      const taken = await this.intake.add(message, packet.retain && this.wish.mqttRetained > 0);
      if ('id' in taken && taken.id !== id) this.session.own.set(taken.id, true);
      return taken;
    } catch (error) {
      return { error };
    }
  }

  #answer(cmd: 'puback' | 'pubrec', messageId: number, taken: Taken): void {
    if ('id' in taken) {
      this.#acknowledge(cmd, messageId, REASONS.success);
      return;
    }
    const { error } = taken;
    // Without an answer the client says it again when it is back. MQTT 3.1.1 has no other way to say no at all.
    if (this.wish.version === 4 || isPassing(error)) this.way.fail(error);
    else this.#acknowledge(cmd, messageId, reasonIn('puback', reasonOf(error)), reasonText(error));
  }

  #acknowledge(cmd: 'puback' | 'pubrec' | 'pubcomp', messageId: number, reasonCode: Reason, words?: string): void {
    if (this.wish.version === 4) {
      this.way.write({ cmd, messageId } as Packet);
      return;
    }
    const said = words === undefined || !this.wish.wantsWords ? {} : { properties: { reasonString: words } };
    this.way.write({ cmd, messageId, reasonCode, ...said } as Packet);
  }

  /** @throws MqttRefusal for an alias that is not known, and for what is no topic but a filter (MQTT-3.3.2-2) */
  #topicOf({ topic, properties: { topicAlias: alias } }: PublishPacket): string {
    if (WILDCARD.test(topic)) {
      throw new MqttRefusal(REASONS.topicNameInvalid, 'A message is published to a topic, with no wildcards.');
    }
    if (alias === undefined) {
      if (topic === '') throw new MqttRefusal(REASONS.protocolError, 'The topic is empty.');
      return topic;
    }
    if (alias < 1 || alias > ALIASES) {
      throw new MqttRefusal(REASONS.topicAliasInvalid, `A topic alias is 1 to ${ALIASES}.`);
    }
    if (topic !== '') {
      this.#aliases.set(alias, topic);
      return topic;
    }
    const known = this.#aliases.get(alias);
    if (known === undefined) throw new MqttRefusal(REASONS.protocolError, `Nothing was said of the alias ${alias}.`);
    return known;
  }
}

/** What a connection that is to end because of an error is told. */
export function endOf(error: unknown): MqttRefusal {
  if (error instanceof MqttRefusal) return error;
  return new MqttRefusal(
    error instanceof HeddleError ? reasonOf(error) : REASONS.unspecified,
    reasonText(error).slice(0, 200),
  );
}
