import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { DISMISSALS, type Session } from '../sessions.js';
import { AmqpSession } from './amqp-session.js';
import type { ConnectionHome } from './connection-home.js';
import { amqpErrorOf } from './conditions.js';
import type { AmqpError } from './delivery-state.js';
import { type Frame, FrameStream, type ProtocolHeader } from './frame-stream.js';
import type { ClientConnection } from './link.js';
import { Outflow } from './outflow.js';
import { AMQP_FRAME, type PerformativeWriter } from './performative-writer.js';
import { type Performative, readPerformative } from './performatives.js';
import { SASL_CODES } from './sasl.js';
import { SaslExchange } from './sasl-exchange.js';
import type { Wire } from '../wire.js';

/** What a turn writes is handed to the network in pieces of that size at most, near enough. */
const PIECE_BYTES = 64 * 1024;
/** What a client gets to say who it is, and to open its connection. */
const OPENING_MS = 10_000;
/** Frames of SASL are never larger (part 5, section 5.3.1). */
const LEAST_FRAME_BYTES = 512;
/** A heartbeat comes in this share of the time that the client waits for one, which has to be that long at least. */
const HEARTBEAT_SHARE = 0.4;
const LEAST_IDLE_MS = 500;
const SASL_PROTOCOL = 3;

/** What the next bytes are: a protocol header, before or after who it is was said, frames of SASL, or AMQP. */
type Phase = 'header' | 'sasl' | 'amqp' | 'over';

/** Somebody who was let in before anything of AMQP was said. */
export interface Admitted {
  caller: Caller;
  session: Session;
}

/**
 * One client: what it says frame by frame, and what is said to it, joined into as few pieces as a turn allows. What it
 * does wrong ends this connection and nothing else.
 */
export class AmqpConnection implements ClientConnection {
  /** Bytes of a frame to this client. */
  maxFrameBytes = LEAST_FRAME_BYTES;
  /** Links of all its sessions. */
  linkCount = 0;
  /** Of messages that have come in part, on all its links. */
  partialBytes = 0;
  readonly #out: Outflow;
  readonly #sessions = new Map<number, AmqpSession>();
  readonly #stream: FrameStream;
  readonly #flushes = new Set<() => void>();
  #sasl: SaslExchange | undefined;
  #caller: Caller | undefined;
  #phase: Phase = 'header';
  #isIdentified = false;
  #isOpen = false;
  #isClosing = false;
  /** Nothing is read while somebody looks who this is. */
  #isIdentifying = false;
  #isReading = false;
  #isScheduled = false;
  readonly #begunAt = Date.now();
  #heardAt = this.#begunAt;
  #peerIdleMs = Infinity;
  #peerChannelMax = 0;

  constructor(
    private readonly wire: Wire,
    readonly home: ConnectionHome,
    private readonly admit: (caller: Caller) => Session,
    admitted?: Admitted,
  ) {
    this.#out = new Outflow(wire, home.limits.limitSlowMs);
    this.#stream = new FrameStream(home.settings.amqpFrameBytes);
    if (admitted !== undefined) this.#belongTo(admitted);
    wire.listen(
      (bytes) => this.#read(bytes),
      () => this.#ended(),
    );
  }

  /** @throws HeddleError `token-missing` before anybody has said who this is */
  get caller(): Caller {
    if (this.#caller !== undefined) return this.#caller;
    throw new HeddleError('token-missing', 'Say who you are by SASL first.');
  }

  get address(): string {
    return this.wire.address;
  }

  get writer(): PerformativeWriter {
    return this.#out.writer;
  }

  get isFull(): boolean {
    return this.#out.isFull;
  }

  get isOver(): boolean {
    return this.#phase === 'over' || this.#isClosing;
  }

  onceRoom(callback: () => void): void {
    this.#out.onceRoom(callback);
  }

  steal(name: string, isReceiver: boolean): void {
    for (const session of this.#sessions.values()) session.steal(name, isReceiver);
  }

  /** Something was written: it goes out at the end of this turn. */
  wrote(): void {
    if (this.writer.length >= PIECE_BYTES) this.#out.flush();
    else if (!this.#isReading) this.#schedule();
  }

  /** To be done once, when all that has come is read: what frames have in common is done together. */
  afterRead(work: () => void): void {
    this.#flushes.add(work);
    if (!this.#isReading) this.#schedule();
  }

  unanswered(count: number, bytes = 0): void {
    this.#out.unanswered(count, bytes);
  }

  /** Says why, and ends. */
  close(error?: AmqpError): void {
    if (this.isOver) return;
    this.#isClosing = true;
    this.#endSessions();
    if (this.#isOpen || this.#isIdentified) {
      // A close before the client's open was answered would come before our own (part 2, section 2.4.1).
      if (!this.#isOpen) this.#sayOpen();
      this.writer.close(error);
    }
    this.#over();
  }

  /** What is not ours was somebody's fault here: it is logged, and the client is told nothing of it. */
  fail(error: unknown): void {
    if (!(error instanceof HeddleError)) this.home.failed(error);
    const isFraming = error instanceof HeddleError && error.code === 'frame-invalid';
    const said = amqpErrorOf(error);
    this.close(isFraming ? { ...said, condition: 'amqp:connection:framing-error' } : said);
  }

  /** Looks at the clock, about every quarter of a second. */
  tick(now: number): void {
    if (this.#phase === 'over') return;
    if (!this.#isOpen && now - this.#begunAt > OPENING_MS) {
      this.wire.destroy();
      return;
    }
    // Who is not read cannot be heard.
    if (this.#out.isPaused || this.#isIdentifying) this.#heardAt = now;
    if (this.#isOpen && now - this.#heardAt > this.home.settings.amqpIdleSeconds * 1000) {
      this.close({ condition: 'amqp:resource-limit-exceeded', description: 'Nothing was heard for too long.' });
      return;
    }
    if (this.#isOpen && !this.#isClosing && now - this.#out.saidAt >= this.#peerIdleMs * HEARTBEAT_SHARE) {
      this.writer.heartbeat();
      this.#out.flush();
    }
    for (const session of this.#sessions.values()) session.tick(now);
  }

  #belongTo({ caller, session }: Admitted): void {
    this.#caller = caller;
    session.onDismissed((reason) =>
      this.close({
        condition: 'amqp:unauthorized-access',
        description: DISMISSALS[reason],
      }),
    );
  }

  #read(bytes: Buffer): void {
    if (this.#phase === 'over') return;
    this.#heardAt = Date.now();
    this.#stream.add(bytes);
    this.#work();
  }

  #work(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#isIdentifying && !this.isOver && this.#step());
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isReading = false;
    }
    this.#finishTurn();
  }

  /** One header or frame; false when none has come as a whole. */
  #step(): boolean {
    if (this.#phase === 'header') {
      const header = this.#stream.header();
      if (header !== undefined) this.#begin(header);
      return header !== undefined;
    }
    const frame = this.#stream.frame();
    if (frame === undefined) return false;
    if (this.#phase === 'sasl') this.#identify(frame);
    else this.#take(frame);
    return true;
  }

  #begin({ protocol, isVersion1 }: ProtocolHeader): void {
    const wanted = this.#isIdentified || (protocol === 0 && this.#caller !== undefined) ? 0 : SASL_PROTOCOL;
    this.writer.protocolHeader(wanted);
    // Who asks for anything else is told what would be answered (part 2, section 2.2).
    if (!isVersion1 || protocol !== wanted) return this.#over();
    if (wanted === 0) {
      this.#isIdentified = true;
      this.#phase = 'amqp';
      return;
    }
    this.#phase = 'sasl';
    const { guard, admitGuess, refused, failed } = this.home;
    this.#sasl = new SaslExchange({
      writer: this.writer,
      known: this.#caller,
      guard,
      admitGuess: () => admitGuess(this.wire.address),
      letIn: (caller) => {
        if (this.#phase !== 'over') this.#belongTo({ caller, session: this.admit(caller) });
      },
      refused: (error) => refused(error, this.wire.address),
      failed,
    });
  }

  #identify(frame: Frame): void {
    const code = this.#sasl?.take(frame);
    if (code === undefined) return;
    if (typeof code === 'number') {
      this.#identified(code);
      return;
    }
    this.#isIdentifying = true;
    this.wire.pause();
    void code.then((found) => {
      this.#isIdentifying = false;
      if (this.#phase === 'over') return;
      this.wire.resume();
      this.#identified(found);
      this.#work();
    });
  }

  #identified(code: number): void {
    this.writer.saslOutcome(code);
    if (code !== SASL_CODES.ok) return this.#over();
    this.#isIdentified = true;
    this.#phase = 'header';
  }

  #take({ type, channel, body }: Frame): void {
    if (type !== AMQP_FRAME) throw new HeddleError('frame-invalid', 'This is no frame of AMQP.');
    if (body.length === 0) return;
    const { said, payload } = decoded(body);
    if ((said.kind === 'open') === this.#isOpen) {
      this.close({ condition: 'amqp:illegal-state', description: 'A connection is opened first, and once.' });
      return;
    }
    if (said.kind === 'open') return this.#opened(said);
    if (said.kind === 'close') return this.close();
    if (said.kind === 'begin') return this.#beginSession(channel, said);
    const session = this.#sessions.get(channel);
    if (session === undefined) throw new HeddleError('frame-invalid', `No session has begun on channel ${channel}.`);
    if (said.kind === 'end') {
      this.#sessions.delete(channel);
      // One that was ended from here has been answered by this.
      if (session.isEnded) return;
      session.end();
      this.writer.endSession(channel);
    } else if (!session.isEnded) session.take(said, payload);
  }

  #opened({ maxFrameSize, channelMax, idleTimeoutMs }: Performative & { kind: 'open' }): void {
    if (maxFrameSize < LEAST_FRAME_BYTES) {
      throw new HeddleError('frame-invalid', `Frames of ${LEAST_FRAME_BYTES} bytes have to be taken.`);
    }
    this.maxFrameBytes = Math.min(maxFrameSize, this.home.settings.amqpFrameBytes);
    this.#peerChannelMax = channelMax;
    this.writer.limitTexts(this.maxFrameBytes);
    this.#sayOpen();
    if (idleTimeoutMs === undefined || idleTimeoutMs === 0) return;
    this.#peerIdleMs = idleTimeoutMs;
    if (idleTimeoutMs >= LEAST_IDLE_MS) return;
    // Who waits for less than can be kept is told so (part 2, section 2.4.5).
    const description = `An idle time-out of ${idleTimeoutMs} ms cannot be kept; ${LEAST_IDLE_MS} ms can.`;
    this.close({ condition: 'amqp:not-allowed', description });
  }

  #sayOpen(): void {
    const { settings, containerId } = this.home;
    this.#isOpen = true;
    this.writer.open({
      containerId,
      maxFrameSize: settings.amqpFrameBytes,
      channelMax: settings.amqpSessions - 1,
      // Half of what is waited, as the specification advises (part 2, section 2.4.5).
      idleTimeoutMs: settings.amqpIdleSeconds * 500,
    });
  }

  #beginSession(channel: number, said: Performative & { kind: 'begin' }): void {
    if (this.#sessions.has(channel)) throw new HeddleError('frame-invalid', `Channel ${channel} is in use.`);
    const { amqpSessions } = this.home.settings;
    if (channel >= amqpSessions) {
      throw new HeddleError(
        'frame-invalid',
        `There are ${amqpSessions} sessions at most: channels 0 to ${amqpSessions - 1}.`,
      );
    }
    if (channel > this.#peerChannelMax) {
      const most = this.#peerChannelMax;
      throw new HeddleError('frame-invalid', `Channel ${channel} cannot be answered: the client takes 0 to ${most}.`);
    }
    this.#sessions.set(channel, new AmqpSession(this, channel, said));
  }

  #endSessions(): void {
    for (const session of this.#sessions.values()) session.end();
    this.#sessions.clear();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#finishTurn();
    });
  }

  #finishTurn(): void {
    try {
      while (this.#flushes.size > 0) {
        const works = [...this.#flushes];
        this.#flushes.clear();
        for (const work of works) work();
      }
    } catch (error) {
      this.fail(error);
    }
    this.#out.flush();
  }

  /** Writes what is left, and ends what this lies on. */
  #over(): void {
    this.#out.flush();
    this.#out.end();
    this.#phase = 'over';
    this.wire.end();
    this.home.ended(this);
  }

  #ended(): void {
    this.#phase = 'over';
    this.#endSessions();
    this.#out.end();
    this.home.ended(this);
  }
}

/** A frame that came as a whole, whose words are none (part 2, section 2.8.15). @throws HeddleError `body-invalid` */
function decoded(body: Buffer): ReturnType<typeof readPerformative> {
  try {
    return readPerformative(body);
  } catch (error) {
    throw error instanceof HeddleError ? new HeddleError('body-invalid', error.message, { cause: error }) : error;
  }
}
