/**
 * Every code with which the gateway closes a WebSocket, by the reason that it says with it: those of RFC 6455 §7.4.1
 * where one fits, or else 4000 and the HTTP status that says the same.
 */
export const CLOSE_CODES = {
  /** This instance stops. */
  stopping: 1001,
  /** A stream says nothing but events, a queue takes nothing but text. */
  unsupported: 1003,
  /** A client breaks the rules again and again. */
  faults: 1008,
  /** A stream could not go on. */
  failed: 1011,
  /** Its access token ended and no other came. */
  expired: 4401,
  /** The rights of its client were changed or taken. */
  revoked: 4401,
  slow: 4408,
  replaced: 4409,
  deleted: 4410,
  moved: 4421,
  /** More pings than it may send. */
  pings: 4429,
} as const;
