import { HeddleError } from '@heddle/event';

const MASK = '•••';
/** Names of headers whose values are kept to themselves. */
export const SENSITIVE_HEADER = /auth|cookie|key|pass|secret|signature|token/i;
/** Of a shorter secret the last characters would say too much. */
const SHOWN_FROM = 12;
const SHOWN = 4;

/** A secret as it may be shown: `•••` with its last characters where it is long enough. */
export function masked(secret: string): string {
  return secret.length < SHOWN_FROM ? MASK : MASK + secret.slice(-SHOWN);
}

export function isMasked(text: string): boolean {
  return text.includes(MASK);
}

/**
 * What a change means by a value: itself, or what is stored already when it comes back as it was shown. So a webhook
 * can be read, edited and put again without its secrets at hand.
 *
 * @throws HeddleError `data-invalid` when it is masked, but not as the stored one is.
 */
export function unmasked(
  given: string,
  stored: string | undefined,
  field: string,
  show: (secret: string) => string = masked,
): string {
  if (!isMasked(given)) return given;
  if (stored !== undefined && show(stored) === given) return stored;
  throw new HeddleError('data-invalid', 'A masked value keeps the stored one, and this is not how that is shown.', {
    field,
  });
}
