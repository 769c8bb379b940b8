/** Where access tokens come from. */
export interface Tokens {
  /** A token that is good for a while yet. */
  get(): string | Promise<string>;
  /** It was answered 401: the next one is to be another. */
  refused?(token: string): void;
}

/** A token as it is, what gets one whenever it is needed, or {@link Tokens}, such as a `ClientTokens`. */
export type TokenSource = string | (() => string | Promise<string>) | Tokens;

export function tokensOf(source: TokenSource): Tokens {
  if (typeof source === 'object') return source;
  return { get: typeof source === 'string' ? () => source : source };
}

/** When a token ends, in milliseconds since 1970; undefined for one that is no JWT with an end (RFC 7519 §4.1.4). */
export function endOf(token: string): number | undefined {
  try {
    const claims = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { exp } = JSON.parse(atob(claims)) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
