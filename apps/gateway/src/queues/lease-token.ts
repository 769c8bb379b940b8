/** What a lease token says: the lease with this number, of this queue, granted by the owner of this epoch. */
export interface LeaseToken {
  /** The UUID of the queue, made anew at each creation. */
  queue: string;
  /** Rises with every owner of the queue's slot. */
  epoch: number;
  /** Counts the leases of one owner, from 1. */
  number: number;
}

const TOKEN = /^([A-Za-z0-9_-]{22})\.([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/;
const RADIX = 36;

/**
 * What all tokens of a queue's owner begin with; a token is this and the number in base 36. Opaque to receivers; that
 * a token can be guessed by who has another of the same queue gives nothing away: both may settle it.
 */
export function tokenPrefix(queue: string, epoch: number): string {
  return `${Buffer.from(queue.replaceAll('-', ''), 'hex').toString('base64url')}.${epoch.toString(RADIX)}.`;
}

export function tokenOf(prefix: string, number: number): string {
  return prefix + number.toString(RADIX);
}

/** The number of a token that begins with this prefix; nothing for any other text. */
export function tokenNumber(prefix: string, token: string): number | undefined {
  if (!token.startsWith(prefix)) return undefined;
  const number = parseInt(token.slice(prefix.length), RADIX);
  // Written again, so that there is one text for each number, and nothing behind it.
  return tokenOf(prefix, number) === token ? number : undefined;
}

/** Reads any token; nothing for a text that is none. */
export function parseLeaseToken(token: string): LeaseToken | undefined {
  const parts = TOKEN.exec(token);
  if (parts === null) return undefined;
  const hex = Buffer.from(parts[1]!, 'base64url').toString('hex');
  return {
    queue: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    epoch: parseInt(parts[2]!, RADIX),
    number: parseInt(parts[3]!, RADIX),
  };
}
