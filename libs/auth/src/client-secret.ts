import { type ScryptOptions, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { HeddleError } from '@heddle/event';

/** Of scrypt (RFC 7914): 16 MiB and about 40 ms of a thread; they stand in each hash, so that they can rise. */
const COST = { ln: 14, r: 8, p: 1 } as const;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const HASH = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/;
/** Two of the four threads that name look-ups and files need, too. */
const AT_ONCE = 2;
/** Beyond that whoever asks is to come back: it would wait for longer than a second. */
const MAX_WAITING = 64;

/** A new secret of a client: 256 random bits, and a beginning by which a scan for secrets finds it. */
export function createClientSecret(): string {
  return `heddle_cs_${randomBytes(32).toString('base64url')}`;
}

let running = 0;
const waiting: (() => void)[] = [];

/** The hash of a secret as it may be stored: `$scrypt$ln=14,r=8,p=1$salt$hash`. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const { ln, r, p } = COST;
  const key = await derive(secret, salt, { N: 2 ** ln, r, p });
  return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/**
 * Whether a secret has this hash; takes as long when it has not. It runs in threads beside the event loop, two at once.
 *
 * @throws HeddleError `busy` when too many wait already
 */
export async function isSecretOf(secret: string, hash: string): Promise<boolean> {
  const [, ln, r, p, salt = '', wanted = ''] = HASH.exec(hash) ?? [];
  if (wanted === '' || Number(ln) > 20) return false;
  const key = await derive(secret, Buffer.from(salt, 'base64url'), { N: 2 ** Number(ln), r: Number(r), p: Number(p) });
  return timingSafeEqual(key, Buffer.from(wanted, 'base64url'));
}

/** Takes as long as a wrong secret, where there is none to compare with: nobody learns which clients there are. */
export async function likeWrongSecret(secret: string): Promise<false> {
  const { ln, r, p } = COST;
  await derive(secret, Buffer.alloc(SALT_BYTES), { N: 2 ** ln, r, p });
  return false;
}

async function derive(secret: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MAX_WAITING) {
      throw new HeddleError('busy', 'Too many secrets are being checked; try again.', { retryAfterSeconds: 1 });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  // Whoever was woken has the place of the one that woke it.
  else running += 1;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      scrypt(secret, salt, KEY_BYTES, { ...cost, maxmem: 128 * 1024 * 1024 }, (error, key) =>
        error === null ? resolve(key) : reject(error),
      );
    });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
