import { tokenInvalid } from './bearer.js';
import type { Caller } from './caller.js';
import { type JwtForm, readForm } from './jwt-form.js';
import { CLOCK_SKEW_S, type Claims, type Expectation, verifyJwt } from './jwt.js';
import { Recent } from './recent.js';

/** Somebody whose tokens are believed, and what they mean here. */
export interface TrustedIssuer extends Expectation {
  /** @throws HeddleError `token-invalid` when they make nobody who is known here */
  callerOf(claims: Claims): Caller;
}

const MAX_KNOWN = 20_000;
const CLOCK_SKEW_MS = CLOCK_SKEW_S * 1000;

/**
 * Who an access token is of. A token that was seen before costs one look-up and no promise; whether its client still
 * has the rights that it was issued for is asked every time.
 */
export class TokenVerifier {
  readonly #known = new Recent<Caller>(MAX_KNOWN);
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;

  /** @param isCurrent whether what was granted to a caller is still its client's */
  constructor(
    issuers: readonly TrustedIssuer[],
    private readonly isCurrent: (caller: Caller) => boolean = () => true,
  ) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  }

  /**
   * The same object for the same token, as long as it is known.
   *
   * @throws HeddleError `token-invalid`, `issuer-unavailable`
   */
  verify(token: string): Caller | Promise<Caller> {
    const known = this.#known.get(token);
    return known === undefined ? this.#verify(token) : this.#checked(known);
  }

  async #verify(token: string): Promise<Caller> {
    const form = readForm(token);
    const issuer = this.#issuerOf(form);
    const caller = issuer.callerOf(await verifyJwt(token, issuer, form));
    this.#checked(caller);
    this.#known.set(token, caller);
    return caller;
  }

  #issuerOf({ claims: { iss } }: JwtForm): TrustedIssuer {
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined;
    if (issuer === undefined) throw tokenInvalid('it is of another issuer');
    return issuer;
  }

  #checked(caller: Caller): Caller {
    if (Date.now() >= caller.expiresAt + CLOCK_SKEW_MS) throw tokenInvalid('it has expired');
    if (!this.isCurrent(caller)) throw tokenInvalid('its client was changed or disabled since');
    return caller;
  }
}
