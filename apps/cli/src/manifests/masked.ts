/** How the gateway shows what is secret: these, and the last characters where there are enough. */
const MASK = '•••';
const SHOWN_FROM = 12;
const SHOWN = 4;

export function isMasked(value: unknown): value is string {
  return typeof value === 'string' && value.includes(MASK);
}

/** Whether a secret looks, masked, like what is shown. Of short ones, and of private keys, nothing is shown. */
export function looksLike(secret: string, shown: string): boolean {
  if (shown === MASK) return true;
  const at = secret.indexOf('_') + 1;
  return shown === masked(secret) || shown === secret.slice(0, at) + masked(secret.slice(at).replace(/=+$/, ''));
}

function masked(secret: string): string {
  return secret.length < SHOWN_FROM ? MASK : MASK + secret.slice(-SHOWN);
}
