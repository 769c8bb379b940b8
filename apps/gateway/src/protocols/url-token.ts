import { HeddleError } from '@heddle/event';

/** How tokens are called where they are put into URLs. */
const NAMES = ['access_token', 'token', 'authorization', 'bearer'];

/**
 * URLs are kept in logs, histories and referrers: a token in one is known to more than its client.
 *
 * @throws HeddleError `parameter-invalid`
 */
export function refuseTokenInUrl(query: URLSearchParams): void {
  const name = NAMES.find((one) => query.has(one));
  if (name === undefined) return;
  throw new HeddleError(
    'parameter-invalid',
    `Tokens do not belong into URLs, where others read them, and this one should be given up: use Authorization: Bearer instead of ${name}, or where that cannot be said a ticket, which is good once (?ticket=).`,
    { field: name },
  );
}
