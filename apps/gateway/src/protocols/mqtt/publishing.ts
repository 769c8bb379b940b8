import { HeddleError, uuidv7 } from '@heddle/event';
import type { IPublishPacket, Packet } from 'mqtt-packet';
import { ALIASES } from './connect.js';
import type { Intake, Taken } from './intake.js';
import { messageOfPacket } from './message-packet.js';
import type { MqttVersion } from './mqtt.frames.js';
import { MqttRefusal, REASONS, type Reason, isPassing, reasonIn, reasonOf, reasonText } from './reason-codes.js';
import type { MqttSession } from './session.js';

/** What a connection does with what comes of its messages. */
export interface PublishingWay {
  write(packet: Packet): void;
  /** Ends the connection. */
  fail(error: unknown): void;
  /** A message that nobody is to be told about was refused. */
  refused(error: unknown): void;
}

export interface PublishingWish {
  version: MqttVersion;
  wantsWords: boolean;
  /** Messages of QoS 1 and 2 that may be without an answer. */
  maxInFlight: number;
}

/** What a packet without a packet id, or with one that cannot be, is refused with. */
const NO_ID = new MqttRefusal(REASONS.protocolError, 'A message of QoS 1 or 2 has a packet id that is not 0.');

/**
 * What a client publishes: each message is in the log, on all in-sync replicas, before it is acknowledged (PUBACK, PUBREC), and is
 * acknowledged in the order it came. A message of QoS 2 is published once for its packet id.
 */
export class Publishing {
  readonly #aliases = new Map<number, string>();
  /** Messages of QoS 1 and 2 that are not answered yet. */
  #unanswered = 0;

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
  publish(packet: IPublishPacket): void {
    const topic = this.#topicOf(packet);
    const { qos, messageId } = packet;
    if (qos === 0) {
      void this.#take(packet, topic).then((taken) => {
        if ('error' in taken) this.way.refused(taken.error);
      });
      return;
    }
    if (messageId === undefined || messageId === 0) throw NO_ID;
    this.#unanswered += 1;
    if (this.#unanswered > this.wish.maxInFlight && this.wish.version === 5) {
      throw new MqttRefusal(
        REASONS.receiveMaximumExceeded,
        `At most ${this.wish.maxInFlight} messages may be under way.`,
      );
    }
    void this.#once(packet, topic, messageId).then((taken) => {
      this.#unanswered -= 1;
      this.#answer(qos === 1 ? 'puback' : 'pubrec', messageId, taken);
    });
  }

  /** The client has the PUBREC of a message of QoS 2: its packet id is free again. */
  release(messageId: number): void {
    const isKnown = this.session.received.delete(messageId);
    this.#acknowledge('pubcomp', messageId, isKnown ? REASONS.success : REASONS.packetIdNotFound);
  }

  /** A message of QoS 2 that came before under its id is the same one. */
  #once(packet: IPublishPacket, topic: string, messageId: number): Promise<Taken> {
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

  async #take(packet: IPublishPacket, topic: string): Promise<Taken> {
    try {
      const message = messageOfPacket(packet, topic, Date.now());
      message.messageId ??= uuidv7();
      const id = message.attributes?.['id'] ?? message.messageId;
      this.session.own.set(id, true);
      const taken = await this.intake.add(message);
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

  /** @throws MqttRefusal for an alias that is not known */
  #topicOf({ topic, properties }: IPublishPacket): string {
    const alias = properties?.topicAlias;
    if (alias === undefined) {
      if (topic === '') throw new MqttRefusal(REASONS.topicNameInvalid, 'The topic is empty.');
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
