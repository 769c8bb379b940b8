import { ACCESS_TOKEN, callerOfClaims } from './access-token.js';
import type { Caller } from './caller.js';
import { remoteKeys } from './remote-keys.js';
import { TokenVerifier } from './token-verifier.js';

/** The gateway whose tokens are believed. */
export interface GatewayIssuer {
  /** Where it is reached. */
  url: string;
  /** As its tokens name it. */
  issuer: string;
  /** What they are for (RFC 9068 §2.2). */
  audience: string;
}

/** Who tells a token that is believed from one that is not. */
export type Verifier = Pick<TokenVerifier, 'verify'>;

/**
 * Believes the tokens of a gateway. Its keys are got when the first token comes, and kept: a service starts without it,
 * and tokens that were seen are good without it.
 *
 * @param isCurrent whether what was granted to a caller is still its client's; asked each time
 */
export function gatewayTokens(
  { url, issuer, audience }: GatewayIssuer,
  isCurrent?: (caller: Caller) => boolean,
): Verifier {
  const key = remoteKeys(`${url}/.well-known/jwks.json`);
  return new TokenVerifier([{ issuer, audience, types: [ACCESS_TOKEN], key, callerOf: callerOfClaims }], isCurrent);
}
