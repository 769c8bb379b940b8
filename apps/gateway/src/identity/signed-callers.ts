import {
  type Caller,
  type Claims,
  type KeyFinder,
  type SigningKey,
  TokenVerifier,
  callerOfClaims,
  signJwt,
  tokenInvalid,
} from '@heddle/auth';
import { uuidv7 } from '@heddle/event';

export interface SignedCallersParts {
  keys: { current(): SigningKey; find: KeyFinder };
  issuer: string;
  isCurrent(caller: Caller): boolean;
}

const HOP = 'hop+jwt';
const HOP_AUDIENCE = 'heddle-hop';
const LIFE_S = 60;
/** A token is written again after so long, well before it ends. */
const REUSED_MS = 20_000;

/**
 * What instances tell each other of who asks: a caller, or nobody but the instance itself, signed with the key that they
 * share, for a minute.
 */
export class SignedCallers {
  readonly #instances = new WeakSet<Caller>();
  readonly #written = new WeakMap<object, { token: string; at: number }>();
  readonly #verifier: TokenVerifier;
  readonly #self = {};

  constructor(private readonly parts: SignedCallersParts) {
    const { issuer, keys } = parts;
    this.#verifier = new TokenVerifier(
      [
        {
          issuer,
          audience: HOP_AUDIENCE,
          types: [HOP],
          key: keys.find,
          callerOf: (claims) => this.#callerOf(claims),
        },
      ],
      (caller) => this.#instances.has(caller) || parts.isCurrent(caller),
    );
  }

  /** The value of `heddle-hop` for a caller, or for this instance; kept for a while, so that most need no signature. */
  token(caller?: Caller): string | Promise<string> {
    const known = this.#written.get(caller ?? this.#self);
    if (known !== undefined && Date.now() - known.at < REUSED_MS) return known.token;
    return this.#sign(caller);
  }

  /** @throws HeddleError `token-invalid` */
  verify(token: string): Caller | Promise<Caller> {
    return this.#verifier.verify(token);
  }

  isInstance(caller: Caller): boolean {
    return this.#instances.has(caller);
  }

  async #sign(caller: Caller | undefined): Promise<string> {
    const at = Date.now();
    const iat = Math.floor(at / 1000);
    const claims = {
      ...(caller === undefined ? { instance: true } : claimsOf(caller)),
      iss: this.parts.issuer,
      aud: HOP_AUDIENCE,
      iat,
      exp: iat + LIFE_S,
      jti: uuidv7(),
    };
    const token = await signJwt(claims, HOP, this.parts.keys.current());
    this.#written.set(caller ?? this.#self, { token, at });
    return token;
  }

  #callerOf(claims: Claims): Caller {
    const asInstance = { sub: 'gateway', client_id: 'gateway', client: 'gateway', tenant: 'heddle', scope: '' };
    if (claims.instance === true) {
      const instance = callerOfClaims({ ...claims, ...asInstance, namespace: 'heddle/mesh/gateway', granted_at: 0 });
      this.#instances.add(instance);
      return instance;
    }
    return callerOfSigned(claims);
  }
}

/** What a signed token of ours says of a caller, so that `callerOfSigned` makes the same one of it. */
export function claimsOf({ tenant, namespace, client, permissions, grantedAt, expiresAt }: Caller): Claims {
  return {
    sub: client,
    client_id: client,
    client,
    tenant,
    namespace,
    scope: permissions.scope,
    granted_at: grantedAt,
    ends_at: expiresAt,
  };
}

/** @throws HeddleError `token-invalid` */
export function callerOfSigned(claims: Claims): Caller {
  const { ends_at: endsAt } = claims;
  if (typeof endsAt !== 'number') throw tokenInvalid('it does not say when its caller ends');
  return { ...callerOfClaims(claims), expiresAt: endsAt };
}
