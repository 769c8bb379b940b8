import type { DeliveryWork } from './delivery-work.js';
import type { Settlement } from './delivery.js';
import { Backoff } from './backoff.js';
import { type ClientFrame, FRAME_LIMITS, SUBPROTOCOL, type ServerFrame, fitting, readFrame } from './queue-frames.js';
import { Refusal } from './refusal.js';
import { Socket, type SocketWish } from './sockets.js';
import { TokenRenewal } from './token-renewal.js';
import type { Tokens } from './tokens.js';

export interface SessionOptions {
  work: DeliveryWork;
  tokens: Tokens;
  /** What the socket was opened with. */
  token: string;
  /** Deliveries here at a time, at most; none are asked for while it says 0. */
  credit(): number;
  leaseMs: number | undefined;
  batch: number | undefined;
  /** A connection that was silent for so long, and asked for a sign of life meanwhile, counts as lost. */
  idleMs: number;
  /** What it goes on for. */
  resume: { connection?: string; leases: string[] } | undefined;
  onReady(connection: string): void;
  /** Something was refused; the connection goes on. */
  onProblem(problem: Refusal): void;
}

/** How a session ended: the code of RFC 6455 or of docs/reference/frames.md, and the reason said. */
export interface SessionEnd {
  /** Whether the connection was made at all. */
  wasOpen: boolean;
  code: number;
  reason: string;
}

const OPEN_MS = 15_000;
const TICK_MS = 250;
/** Once so much of the time that it may be silent is over, the gateway is asked for a frame. */
const ASKED_SHARE = 2 / 3;
const LOST: SessionEnd = { wasOpen: true, code: 1006, reason: 'lost' };

/** One connection to a queue: asks for as much as may be here, says what became of it, and keeps itself alive. */
export class QueueSession {
  /** Resolves once it is over. */
  readonly ended: Promise<SessionEnd>;
  #end!: (end: SessionEnd) => void;
  #isOpen = false;
  #isReady = false;
  #isOver = false;
  #leaseMs = 30_000;
  /** Deliveries asked for and not come. */
  #asked = 0;
  #closing = '';
  #heardAt = Date.now();
  #isAskedForSign = false;
  #count = 0;
  /** What was said and not answered, by the id of its frame. */
  readonly #said = new Map<string, { settlements: Settlement[]; at: number }>();
  readonly #backoff = new Backoff(200, 5000);
  #flush: ReturnType<typeof setTimeout> | undefined;
  #notBefore = 0;
  readonly #tick: ReturnType<typeof setInterval>;
  readonly #renewal: TokenRenewal;
  readonly #socket: Socket;

  /** @throws TypeError where there are no WebSockets */
  constructor(
    wish: Omit<SocketWish, 'subprotocol'>,
    private readonly options: SessionOptions,
  ) {
    this.#socket = new Socket(
      { ...wish, subprotocol: SUBPROTOCOL },
      {
        opened: () => this.#hello(),
        heard: (text) => this.#hear(text),
        closed: (code, reason) => this.#over({ wasOpen: this.#isOpen, code, reason: this.#closing || reason }),
      },
    );
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const { tokens, token, onProblem } = options;
    this.#renewal = new TokenRenewal(tokens, token, {
      show: (next, id) => this.#say({ kind: 'authenticate', id, token: next }),
      failed: onProblem,
    });
    this.#tick = setInterval(() => this.#beat(Date.now()), TICK_MS);
  }

  /** Whether deliveries may be on their way here, or of the connection before were and were not handed back yet. */
  get isOwing(): boolean {
    return this.#asked > 0 || !this.#isReady;
  }

  /** There is something to say: soon, so that what comes at the same time is said in one frame. */
  speak(): void {
    if (this.#flush !== undefined || !this.#isReady || this.#isOver) return;
    this.#flush = setTimeout(
      () => {
        this.#flush = undefined;
        this.#speak();
      },
      Math.max(0, this.#notBefore - Date.now()),
    );
  }

  /** Ends it in order. */
  leave(): void {
    this.#over({ wasOpen: this.#isOpen, code: 1000, reason: 'closed' });
  }

  #hello(): void {
    this.#isOpen = true;
    this.#heardAt = Date.now();
    const { leaseMs, batch, resume } = this.options;
    this.#say({
      kind: 'hello',
      ...(leaseMs === undefined ? {} : { leaseMs }),
      ...(batch === undefined ? {} : { batch }),
      ...(resume === undefined ? {} : { resume }),
    });
    this.#renewal.begin();
  }

  #hear(text: unknown): void {
    this.#heardAt = Date.now();
    this.#isAskedForSign = false;
    const frame = readFrame(text);
    if (frame === undefined) return;
    switch (frame.kind) {
      case 'ready':
        return this.#ready(frame);
      case 'deliveries':
        this.#asked -= frame.deliveries.length;
        return this.options.work.add(frame.deliveries);
      case 'settled':
        return this.#settled(frame);
      case 'authenticated':
        return this.#renewal.shown(frame.id);
      case 'problem':
        return this.#problem(frame);
      case 'closing':
        this.#closing = frame.reason;
    }
  }

  #ready({ connection, leaseMs, resumed }: ServerFrame & { kind: 'ready' }): void {
    const { work } = this.options;
    this.#isReady = true;
    this.#leaseMs = leaseMs;
    for (const { lease, code } of resumed?.lost ?? []) work.lost(lease, code);
    this.options.onReady(connection);
    // Answers were lost with the connection before.
    work.sayAgain();
    this.#ask();
  }

  /** Asks for as many as there is room for: what is asked for and what is here make one constant sum. */
  #ask(): void {
    const { work, credit } = this.options;
    const add = Math.min(credit(), FRAME_LIMITS.credit) - work.size - this.#asked;
    if (add <= 0) return;
    this.#asked += add;
    this.#say({ kind: 'credit', add });
  }

  #speak(): void {
    const { work } = this.options;
    for (;;) {
      const taken = work.take(FRAME_LIMITS.settlements);
      if (taken.length === 0) return;
      const count = fitting(taken);
      if (count < taken.length) work.putBack(taken.slice(count));
      this.#settle(taken.slice(0, count));
    }
  }

  #settle(settlements: Settlement[]): void {
    const id = `s-${(this.#count += 1)}`;
    this.#said.set(id, { settlements, at: Date.now() });
    this.#say({ kind: 'settle', id, settlements });
  }

  #settled({ id = '', results }: ServerFrame & { kind: 'settled' }): void {
    const said = this.#said.get(id);
    this.#said.delete(id);
    this.#backoff.succeeded();
    this.options.work.answered(results, said?.at ?? Date.now());
    this.#ask();
  }

  #problem({ id = '', code, detail, status, retryable, field }: ServerFrame & { kind: 'problem' }): void {
    const problem = new Refusal(code, detail, { status, retryable, field });
    const said = this.#said.get(id);
    this.#said.delete(id);
    if (this.#renewal.refused(id, problem)) return;
    this.options.onProblem(problem);
    if (said === undefined) return;
    const settlements = said.settlements.filter(({ action }) => action !== 'renew');
    if (!retryable) {
      // Nothing of it was done, and said again it would not be: the leases run out, and the events come again.
      this.options.work.answered(
        settlements.map(({ lease }) => ({ lease, code })),
        said.at,
      );
      return this.#ask();
    }
    this.options.work.putBack(settlements);
    this.#notBefore = Date.now() + this.#backoff.next();
    this.speak();
  }

  #beat(now: number): void {
    const silentMs = now - this.#heardAt;
    if (!this.#isReady) {
      if (silentMs > OPEN_MS) this.#over({ ...LOST, wasOpen: this.#isOpen });
      return;
    }
    const { idleMs } = this.options;
    if (silentMs > idleMs) return this.#over(LOST);
    const renewals = this.options.work.renewals(this.#leaseMs, now);
    for (let at = 0; at < renewals.length; at += FRAME_LIMITS.settlements) {
      this.#settle(renewals.slice(at, at + FRAME_LIMITS.settlements));
    }
    // A lease that expired made room, unless there is nothing to make room for.
    this.#ask();
    if (silentMs <= idleMs * ASKED_SHARE || this.#isAskedForSign) return;
    // WebSockets of browsers and of Node cannot ping. A lease that nobody has is answered at once.
    this.#isAskedForSign = true;
    this.#say({ kind: 'settle', id: 'sign', settlements: [{ lease: 'sign-of-life', action: 'renew' }] });
  }

  #say(frame: ClientFrame): void {
    if (!this.#isOver) this.#socket.send(JSON.stringify(frame));
  }

  #over(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#tick);
    clearTimeout(this.#flush);
    this.#renewal.stop();
    this.#socket.drop();
    this.#end(end);
  }
}
