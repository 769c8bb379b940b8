/** The errors of a token endpoint (RFC 6749 §5.2), which has its own way of saying no. */
export type TokenRefusalCode =
  'invalid_request' | 'invalid_client' | 'invalid_scope' | 'unsupported_grant_type' | 'temporarily_unavailable';

/** A token is not given. Anything else that fails at the token endpoint is a `HeddleError` as everywhere. */
export class TokenRefusal extends Error {
  constructor(
    readonly code: TokenRefusalCode,
    message: string,
  ) {
    super(message);
    this.name = 'TokenRefusal';
  }

  get status(): number {
    if (this.code === 'invalid_client') return 401;
    return this.code === 'temporarily_unavailable' ? 503 : 400;
  }
}
