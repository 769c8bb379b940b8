export { ACCESS_TOKEN, type Grant, callerOfClaims, issueAccessToken } from './access-token.js';
export { Access, By, type Guard, callerOf, guardRoutes } from './access.js';
export { MAX_TOKEN, bearerToken, tokenInvalid } from './bearer.js';
export { type Caller, permissionMissing, requirePermission } from './caller.js';
export { ClientRevocations } from './client-revocations.js';
export { createClientSecret, hashSecret, isSecretOf, likeWrongSecret } from './client-secret.js';
export { type ClientCredentials, ClientTokens } from './client-tokens.js';
export { type GatewayIssuer, type Verifier, gatewayTokens } from './gateway-tokens.js';
export {
  ALGORITHMS,
  CLOCK_SKEW_S,
  type Claims,
  type Expectation,
  type KeyFinder,
  type SigningKey,
  signJwt,
  verifyJwt,
} from './jwt.js';
export { KINDS, type Kind, Permissions, VERBS, type Verb } from './permissions.js';
export { Recent } from './recent.js';
export { type RemoteKeysOptions, discoveredKeys, remoteKeys } from './remote-keys.js';
export { type JWK, createKeyPair, keyOf, publicKeyOf } from './signing-key.js';
export { type TrustedIssuer, TokenVerifier } from './token-verifier.js';
