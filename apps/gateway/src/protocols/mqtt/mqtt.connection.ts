import type { Caller } from '@heddle/auth';
import type { Packet } from 'mqtt-packet';
import { BackPressure, FULL_BYTES } from '../back-pressure.js';
import { DISMISSALS, type Dismissal, type Session } from '../sessions.js';
import { type Wire, pieceOf } from '../wire.js';
import type { ClientPacket, ConnectPacket } from './client-packets.js';
import { type ConnectWish, keptSeconds, readConnect } from './connect.js';
import type { ConnectionHome } from './connection-home.js';
import { Deliveries } from './deliveries.js';
import { connack, goodbye, refusal } from './greeting.js';
import { Intake } from './intake.js';
import { PacketReader, fittingBytes } from './mqtt.frames.js';
import { Publishing, endOf } from './publishing.js';
import { MqttRefusal, REASONS } from './reason-codes.js';
import type { MqttSession } from './session.js';
import { Subscribing } from './subscribing.js';

/** What a client gets to say who it is. */
const CONNECT_MS = 10_000;
/** What may wait to be published, and changes of subscriptions that may wait, before nothing more is read. */
const MAX_INTAKE = 5000;
const MAX_INTAKE_BYTES = 4 * 1024 * 1024;
const MAX_CHANGES = 20;

/** What a connection is once its client was let in. */
interface Open {
  wish: ConnectWish;
  session: MqttSession;
  deliveries: Deliveries;
  subscribing: Subscribing;
  publishing: Publishing;
  intake: Intake;
}

/** One client on a wire, from its CONNECT to the end. */
export class MqttConnection {
  readonly #reader: PacketReader;
  readonly #pressure: BackPressure;
  #admitted: Session | undefined;
  #open: Open | undefined;
  /** What came before it was let in: at most a packet and what was read with it. */
  #early: ClientPacket[] = [];
  #begun: Buffer[] = [];
  #isConnecting = false;
  #isOver = false;
  #out: Buffer[] = [];
  #outBytes = 0;
  /** What changes subscriptions comes one after another. */
  #changes: Promise<unknown> = Promise.resolve();
  #changing = 0;
  #isReady = false;
  /** Bytes of a packet that the client takes. */
  #mostBytes = Infinity;
  #hasNoted = false;
  #heardAt = performance.now();
  #timer: NodeJS.Timeout;

  constructor(
    private readonly wire: Wire,
    private readonly home: ConnectionHome,
    admitted?: Session,
  ) {
    this.#admitted = admitted;
    this.#reader = new PacketReader(home.values.mqttMaxPacketBytes);
    this.#pressure = new BackPressure(wire, {
      slowMs: home.limits.values.limitSlowMs,
      onSlow: () => wire.destroy(),
      isTooMuch: () => this.#hasTooMuch(),
      onRoom: () => this.#open?.deliveries.fill(),
    });
    this.#timer = setTimeout(
      () => this.#end(new MqttRefusal(REASONS.notAuthorized, 'CONNECT did not come.')),
      CONNECT_MS,
    );
    admitted?.onDismissed((reason) => this.#dismissed(reason));
    wire.listen(
      (bytes) => this.#read(bytes),
      () => this.#closed(),
    );
  }

  /** Says why, and ends: this instance stops. */
  close(): void {
    this.#end(new MqttRefusal(REASONS.shuttingDown, 'This instance stops.'));
  }

  takenOver(): void {
    this.#end(new MqttRefusal(REASONS.sessionTakenOver, 'Another connection has the client id now.'));
  }

  dismiss(reason: 'moved' | 'deleted'): void {
    this.#end(
      reason === 'moved'
        ? new MqttRefusal(REASONS.useAnotherServer, 'The session is at another instance now: connect again.')
        : new MqttRefusal(REASONS.administrativeAction, 'The session was deleted.'),
    );
  }

  /** The oldest message on its way to the client has been so for so long. */
  waited(ms: number): void {
    const seconds = this.home.values.mqttAckSeconds;
    if (ms <= seconds * 1000) return;
    this.#end(new MqttRefusal(REASONS.implementationSpecific, `A message was not acknowledged within ${seconds} s.`));
  }

  #dismissed(reason: Dismissal): void {
    this.#end(
      reason === 'expired'
        ? new MqttRefusal(REASONS.maximumConnectTime, DISMISSALS.expired)
        : new MqttRefusal(REASONS.notAuthorized, DISMISSALS.revoked),
    );
  }

  #read(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      if (!this.#isReady) this.#begun.push(bytes);
      for (const packet of this.#reader.read(bytes)) {
        this.#heardAt = performance.now();
        if (this.#isReady) this.#take(this.#open!, packet);
        else this.#connect(packet);
        if (this.#isOver) return;
      }
      if (this.#isReady) this.#afterRead();
    } catch (error) {
      this.#end(error);
    }
  }

  /** What came together is settled and published together. */
  #afterRead(): void {
    const open = this.#open;
    if (open === undefined) return;
    open.intake.flush();
    open.deliveries.settle();
    this.#pressure.throttle();
  }

  #connect(packet: ClientPacket): void {
    if (this.#isConnecting) {
      // A client may go on at once; it is heard when it is let in.
      this.#early.push(packet);
      this.wire.pause();
      return;
    }
    if (packet.cmd !== 'connect') throw new MqttRefusal(REASONS.protocolError, 'The first packet is CONNECT.');
    this.#isConnecting = true;
    this.#greet(packet).catch((error: unknown) => this.#end(error));
  }

  async #greet(packet: ConnectPacket): Promise<void> {
    const { home, wire } = this;
    const wish = readConnect(packet, this.#reader.version!, home.values);
    this.#mostBytes = wish.maxPacketBytes;
    const admitted = (this.#admitted ??= await home.letIn(wish));
    admitted.onDismissed((reason) => this.#dismissed(reason));
    if (this.#isOver) return;
    const clientId = wish.clientId === '' ? home.newId(admitted.caller) : wish.clientId;
    if (home.handOn(admitted.caller, clientId, wire, this.#begun)) {
      this.#leave();
      return;
    }
    const { session, isPresent } = await home.sessions.open(admitted.caller, { ...wish, clientId }, this);
    if (this.#isOver) {
      home.sessions.left(session, this);
      return;
    }
    session.will = wish.will;
    const open = this.#begin(wish, session);
    this.#say(connack(wish, { isPresent, clientId, values: home.values }));
    // Before anything else is delivered: what was on its way comes first, in its order.
    open.deliveries.resend();
    await open.subscribing.resume();
    if (this.#isOver) return;
    this.#isReady = true;
    this.#begun = [];
    clearTimeout(this.#timer);
    this.#watch(wish.keepAliveSeconds);
    for (const early of this.#early.splice(0)) if (!this.#isOver) this.#take(open, early);
    this.#afterRead();
    if (!this.#pressure.isPaused) this.wire.resume();
  }

  #begin(wish: ConnectWish, session: MqttSession): Open {
    const { home } = this;
    const caller = (): Caller => this.#admitted!.caller;
    const receiver = { kind: 'mqtt' as const, name: session.clientId.slice(0, 200) };
    const isFull = (): boolean => this.#pressure.isFull;
    const way = {
      write: (bytes: Buffer) => this.#write(bytes),
      fail: (error: unknown) => this.#end(error),
      get isFull() {
        return isFull();
      },
      receiver,
      namespaces: home.namespaces,
    };
    const deliveries = new Deliveries(session, wish, way);
    const intake = new Intake({ publisher: home.messages, limits: home.limits, caller });
    const { mqttMaxInFlight: maxInFlight, mqttMaxSubscriptions: maxSubscriptions, mqttRetained } = home.values;
    const publishing = new Publishing(
      session,
      intake,
      { ...wish, maxInFlight, mqttRetained },
      {
        write: (packet) => {
          this.#say(packet);
          this.#pressure.throttle();
        },
        fail: (error) => this.#end(error),
        refused: (error) => this.#note(error),
        released: () => home.sessions.released(session),
      },
    );
    const lost = (words: string): void => this.#end(new MqttRefusal(REASONS.administrativeAction, words));
    const subscribing = new Subscribing(session, deliveries, { ...home, maxSubscriptions, caller, lost }, wish.version);
    this.#open = { wish, session, deliveries, subscribing, publishing, intake };
    return this.#open;
  }

  #take(open: Open, packet: ClientPacket): void {
    switch (packet.cmd) {
      case 'publish':
        open.publishing.publish(packet);
        return;
      case 'puback':
        open.deliveries.acknowledged(packet.messageId, packet.reasonCode, packet.properties.reasonString);
        return;
      case 'pubrel':
        open.publishing.release(packet.messageId);
        return;
      case 'subscribe':
        this.#change(async () => {
          const { granted, made } = await open.subscribing.subscribe(packet);
          this.#say({ cmd: 'suback', messageId: packet.messageId, granted } as Packet);
          for (const told of await this.home.retained.of(this.#admitted!.caller, made)) open.subscribing.tell(told);
        });
        return;
      case 'unsubscribe':
        this.#change(async () => {
          const granted = await open.subscribing.unsubscribe(packet);
          this.#say({ cmd: 'unsuback', messageId: packet.messageId, granted } as Packet);
        });
        return;
      case 'pingreq':
        this.#say({ cmd: 'pingresp' });
        return;
      case 'disconnect':
        this.#goodbye(open, packet.reasonCode, packet.properties.sessionExpiryInterval);
        return;
      default:
        // A second CONNECT, and what answers messages of QoS 2, of which none goes out from here.
        throw new MqttRefusal(REASONS.protocolError, `${packet.cmd} is not expected here.`);
    }
  }

  /** MQTT 5 §3.14: a client that says so leaves without its will, and may keep its session for another time. */
  #goodbye({ session }: Open, reason: number, expirySeconds: number | undefined): void {
    if (expirySeconds !== undefined) {
      if (session.expirySeconds === 0 && expirySeconds > 0) {
        throw new MqttRefusal(REASONS.protocolError, 'A session that was not to be kept cannot be kept now.');
      }
      session.expirySeconds = keptSeconds(expirySeconds, this.home.values);
    }
    if (reason === REASONS.success) session.will = undefined;
    this.#leave();
    this.wire.end();
  }

  #change(work: () => Promise<void>): void {
    this.#changing += 1;
    this.#changes = this.#changes
      .then(() => (this.#isOver ? undefined : work()))
      .catch((error: unknown) => this.#end(error))
      .finally(() => {
        this.#changing -= 1;
        this.#pressure.throttle();
      });
  }

  /** A client that says nothing for half as long again as it promised is gone (MQTT 5 §3.1.2.10). */
  #watch(keepAliveSeconds: number): void {
    if (this.#isOver || keepAliveSeconds === 0) return;
    // What a client says while it is not read is no silence.
    if (this.#pressure.isPaused) this.#heardAt = performance.now();
    const mostMs = keepAliveSeconds * 1500;
    const leftMs = this.#heardAt + mostMs - performance.now();
    if (leftMs > 0) this.#timer = setTimeout(() => this.#watch(keepAliveSeconds), leftMs + 1);
    else this.#end(new MqttRefusal(REASONS.keepAliveTimeout, 'Nothing came within the keep alive.'));
  }

  #write(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
    // Whoever writes much at once has to notice when the client does not keep up.
    if (this.#outBytes >= FULL_BYTES) this.#flush();
    else if (this.#out.length === 1) queueMicrotask(() => this.#flush());
  }

  #say(packet: Packet): void {
    const bytes = fittingBytes(packet, this.#reader.version ?? 4, this.#mostBytes);
    if (bytes !== undefined) this.#write(bytes);
    else
      this.#end(new MqttRefusal(REASONS.packetTooLarge, 'An answer is larger than the packets that the client takes.'));
  }

  /** What was said in one go is one write. */
  #flush(): void {
    if (this.#out.length === 0) return;
    const out = this.#out;
    this.#out = [];
    this.#outBytes = 0;
    this.wire.write(pieceOf(this.wire.headroom, out));
    this.#pressure.wrote();
  }

  /** Whether more has come than can be made durable for now. */
  #hasTooMuch(): boolean {
    if (this.#open === undefined) return false;
    const { intake, publishing } = this.#open;
    return (
      publishing.unanswered >= this.home.values.mqttMaxInFlight ||
      intake.bytes > MAX_INTAKE_BYTES ||
      intake.size > MAX_INTAKE ||
      this.#changing > MAX_CHANGES
    );
  }

  #note(error: unknown): void {
    if (this.#hasNoted) return;
    this.#hasNoted = true;
    const { tenant, client } = this.#admitted!.caller;
    this.home.log.warn({ event: 'mqtt-message-refused', tenant, client, err: error }, 'a message of QoS 0 was refused');
  }

  /** Says why in the words of its version, where it has any, and ends. */
  #end(error: unknown): void {
    if (this.#isOver) return;
    const { reason, message } = endOf(error);
    if (reason === REASONS.unspecified) this.home.log.warn({ event: 'mqtt-failed', err: error }, 'a connection failed');
    const { version } = this.#reader;
    const said =
      this.#open === undefined
        ? refusal(version, reason, message)
        : goodbye(version, reason, this.#open.wish.wantsWords ? message : undefined);
    const bytes = said === undefined ? undefined : fittingBytes(said, version ?? 4, this.#mostBytes);
    if (bytes !== undefined) this.#write(bytes);
    this.#leave();
    this.wire.end();
  }

  #leave(): void {
    if (this.#isOver) return;
    const open = this.#open;
    // What came in one piece with its goodbye counts like everything before it.
    open?.intake.flush();
    this.#flush();
    this.#isOver = true;
    this.#pressure.end();
    clearTimeout(this.#timer);
    this.#begun = [];
    this.#early = [];
    if (open !== undefined) {
      open.deliveries.close();
      open.subscribing.close();
      open.intake.close();
      this.home.sessions.left(open.session, this);
    }
    this.home.ended(this);
  }

  #closed(): void {
    this.#leave();
  }
}
