import type { ClientTokens } from '@heddle/auth';

const keys = new Map<string, ClientTokens>();

/** From now on requests to this origin are those of the client that has these tokens, unless they say otherwise. */
export function addKey(url: string, tokens: ClientTokens): void {
  keys.set(new URL(url).origin, tokens);
}

/**
 * The header that a request is made with: an access token of the administrator of the mesh that answers there. Stories
 * are about what happens behind the doors; those about the doors themselves bring tokens of their own.
 */
export async function authorizationFor(url: string | URL): Promise<Record<string, string>> {
  const { origin, host } = new URL(url);
  const tokens = keys.get(origin) ?? keys.get(`http://${host}`);
  return tokens === undefined ? {} : { authorization: await tokens.header() };
}
