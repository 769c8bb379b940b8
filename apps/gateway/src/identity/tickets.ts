import {
  type Caller,
  type KeyFinder,
  type SigningKey,
  bearerToken,
  signJwt,
  tokenInvalid,
  verifyJwt,
} from '@heddle/auth';
import { HeddleError, uuidv7 } from '@heddle/event';
import type { Once } from './once.js';
import { callerOfSigned, claimsOf } from './signed-callers.js';

export interface TicketsParts {
  keys: { current(): SigningKey; find: KeyFinder };
  issuer: string;
  once: Pick<Once, 'use'>;
  isCurrent(caller: Caller): boolean;
}

export interface Ticket {
  ticket: string;
  path: string;
  expiresAt: string;
}

const TYPE = 'ticket+jwt';
const AUDIENCE = 'heddle-ticket';
/** Seconds: for as long as a page takes to open a connection. */
const LIFE_S = 45;
/** The doors that a browser cannot bring a header to. */
const PATHS = /^\/v1\/(?:stream|queues\/[A-Za-z0-9._~%-]{1,256}\/connect)$/;

/**
 * Tickets for pages, which cannot send an authorization header when they open a WebSocket or an event stream. Each opens
 * one door, once, at any instance, within 45 s; what is in a URL is in logs, and is worth nothing by then.
 */
export class Tickets {
  constructor(private readonly parts: TicketsParts) {}

  /** @throws HeddleError `data-invalid` for a path that needs no ticket */
  async issue(caller: Caller, path: string): Promise<Ticket> {
    if (!PATHS.test(path)) {
      throw new HeddleError('data-invalid', 'A ticket is for /v1/stream or /v1/queues/{name}/connect.', {
        field: 'path',
      });
    }
    const { issuer, keys } = this.parts;
    const iat = Math.floor(Date.now() / 1000);
    const claims = { ...claimsOf(caller), iss: issuer, aud: AUDIENCE, path, iat, exp: iat + LIFE_S, jti: uuidv7() };
    const ticket = await signJwt(claims, TYPE, keys.current());
    return { ticket, path, expiresAt: new Date(claims.exp * 1000).toISOString() };
  }

  /**
   * Who a ticket was given to. It is used up by this, whatever comes of the connection.
   *
   * @throws HeddleError `token-invalid`
   */
  async redeem(ticket: string, path: string): Promise<Caller> {
    const { issuer, keys, once, isCurrent } = this.parts;
    const form = bearerToken(`Bearer ${ticket}`);
    const claims = await verifyJwt(form, { issuer, audience: AUDIENCE, types: [TYPE], key: keys.find, skewSeconds: 0 });
    if (claims.path !== path) throw tokenInvalid('it is a ticket for another path');
    const caller = callerOfSigned(claims);
    if (!isCurrent(caller)) throw tokenInvalid('its client was changed or disabled since');
    if (!(await once.use(`ticket/${String(claims.jti)}`, Number(claims.exp) * 1000))) {
      throw tokenInvalid('this ticket was used before');
    }
    return caller;
  }
}
