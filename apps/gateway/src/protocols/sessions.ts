import type { Duplex } from 'node:stream';
import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { DoorGuard } from '../identity/door-guard.js';

/** Why whoever was let in may not stay. */
export type Dismissal = 'expired' | 'revoked';

/** The same as a sentence, for protocols that have words for it. */
export const DISMISSALS: Readonly<Record<Dismissal, string>> = {
  expired: 'The access token has ended: connect with a new one.',
  revoked: 'The rights of the client were changed or taken.',
};

/**
 * Counts a connection before anything is made of it. Returns how to say that it has ended.
 *
 * @throws HeddleError what it is refused with, when there are too many
 */
export type ConnectionCount = (caller: Caller, address: string | undefined) => () => void;

export interface SessionTimes {
  /** How long a connection may outlive its token; a client has the time to bring a new one. */
  graceMs: number;
  /** How often all of them are looked at. */
  sweepMs: number;
  /** What a connection that was told to end gets to do so. */
  endingMs: number;
}

const TIMES: SessionTimes = { graceMs: 30_000, sweepMs: 1000, endingMs: 10_000 };

/**
 * The connections that last: streams and WebSockets. Each ends soon after its token does, and when the rights of its
 * client are taken or changed. One timer looks at all of them, so that an idle one costs nothing else.
 */
export class Sessions {
  readonly #open = new Set<Session>();
  readonly #timer: NodeJS.Timeout;
  readonly #forget: () => void;

  constructor(
    private readonly guard: Pick<DoorGuard, 'isCurrent' | 'onRevoked'>,
    private readonly count: ConnectionCount = () => () => undefined,
    private readonly times: SessionTimes = TIMES,
  ) {
    this.#timer = setInterval(() => this.#sweep(Date.now()), times.sweepMs);
    this.#timer.unref();
    this.#forget = guard.onRevoked(({ tenant, client }) => {
      for (const session of this.#open) {
        const { caller } = session;
        if (caller.tenant === tenant && caller.client === client) this.#dismissUnlessCurrent(session);
      }
    });
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Lets somebody stay on a socket, until it closes.
   *
   * @param address where it comes from, when that is not the other end of the socket
   * @throws HeddleError when there are too many
   */
  open(caller: Caller, socket: Duplex & { remoteAddress?: string | undefined }, address?: string): Session {
    const from = address ?? socket.remoteAddress;
    const leave = this.count(caller, from);
    const session = new Session(caller, socket, from);
    this.#open.add(session);
    socket.once('close', () => {
      this.#open.delete(session);
      leave();
    });
    return session;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#forget();
  }

  #sweep(now: number): void {
    for (const session of this.#open) {
      const { dismissedAt, caller } = session;
      if (dismissedAt !== undefined) {
        if (now - dismissedAt >= this.times.endingMs) session.cut();
      } else if (now >= caller.expiresAt + this.times.graceMs) session.dismiss('expired');
      // A change that was not heard of, for this instance was behind then.
      else if (now < caller.expiresAt) this.#dismissUnlessCurrent(session);
    }
  }

  #dismissUnlessCurrent(session: Session): void {
    if (!this.guard.isCurrent(session.caller)) session.dismiss('revoked');
  }
}

/** A connection that was let in, for as long as its caller may stay. */
export class Session {
  #caller: Caller;
  #dismissedAt: number | undefined;
  #goodbye: ((reason: Dismissal) => void) | undefined;

  constructor(
    caller: Caller,
    private readonly socket: Duplex,
    /** Where it comes from: the client, though a proxy may stand between. */
    readonly address = 'gone',
  ) {
    this.#caller = caller;
  }

  get caller(): Caller {
    return this.#caller;
  }

  /** When it was told to end, in milliseconds since 1970. */
  get dismissedAt(): number | undefined {
    return this.#dismissedAt;
  }

  /** Says how to end it in the words of its protocol; without, it is cut off. */
  onDismissed(goodbye: (reason: Dismissal) => void): void {
    this.#goodbye = goodbye;
  }

  /**
   * Goes on with a new token of the same client, if that one still may what this connection is for.
   *
   * @param requireRight throws what it is refused with
   * @throws HeddleError `token-invalid`
   */
  renew(caller: Caller, requireRight: () => void): void {
    if (caller.tenant !== this.#caller.tenant || caller.client !== this.#caller.client) {
      throw new HeddleError(
        'token-invalid',
        'The access token is not accepted: it is not of the client that opened this connection.',
      );
    }
    requireRight();
    this.#caller = caller;
  }

  dismiss(reason: Dismissal): void {
    if (this.#dismissedAt !== undefined) return;
    this.#dismissedAt = Date.now();
    if (this.#goodbye === undefined) this.cut();
    else this.#goodbye(reason);
  }

  cut(): void {
    this.socket.destroy();
  }
}
