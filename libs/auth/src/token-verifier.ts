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

interface Known {
  caller: Caller;
  /** Milliseconds since 1970 from which on the token is not accepted, whatever its caller says. */
  until: number;
}

const MAX_KNOWN = 20_000;

/**
 * Who an access token is of. A token that was seen before costs one look-up and no promise; whether its client still
 * has the rights that it was issued for is asked every time.
 */
export class TokenVerifier {
  readonly #known = new Recent<Known>(MAX_KNOWN);
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
    const claims = await verifyJwt(token, issuer, form);
    const known = { caller: issuer.callerOf(claims), until: (Number(claims.exp) + CLOCK_SKEW_S) * 1000 };
    this.#known.set(token, known);
    return this.#checked(known);
  }

  #issuerOf({ claims: { iss } }: JwtForm): TrustedIssuer {
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined;
    if (issuer === undefined) throw tokenInvalid('it is of another issuer');
    return issuer;
  }

  #checked({ caller, until }: Known): Caller {
    if (Date.now() >= until) throw tokenInvalid('it has expired');
    if (!this.isCurrent(caller)) throw tokenInvalid('its client was changed or disabled since');
    return caller;
  }
}
