import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { createClientSecret, hashSecret, isSecretOf, likeWrongSecret } from './client-secret.js';

describe('the hash of a secret', () => {
  it('is of this secret and no other, is never the same twice, and says how it was made', async () => {
    const secret = createClientSecret();
    const [one, other] = await Promise.all([hashSecret(secret), hashSecret(secret)]);
    expect(one).toMatch(/^\$scrypt\$ln=14,r=8,p=1\$/);
    expect(one).not.toBe(other);
    expect(await isSecretOf(secret, one)).toBe(true);
    expect(await isSecretOf(secret, other)).toBe(true);
    for (const wrong of [`${secret} `, secret.slice(1), '', createClientSecret()]) {
      expect(await isSecretOf(wrong, one)).toBe(false);
    }
  });

  it('made at another cost is still one', async () => {
    const hash =
      '$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$' +
      (await import('node:crypto'))
        .scryptSync('old', Buffer.alloc(16), 32, { N: 16, r: 8, p: 1 })
        .toString('base64url');
    expect(await isSecretOf('old', hash)).toBe(true);
    expect(await isSecretOf('new', hash)).toBe(false);
  });

  it.each(['', 'plain', '$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA', '$2b$10$abc'])(
    'that is none, %j, is of no secret',
    async (hash) => {
      expect(await isSecretOf('secret', hash)).toBe(false);
    },
  );
});

describe('a crowd with wrong secrets', () => {
  it('does not hold up the event loop, and is turned away beyond what waits for a second', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const began = performance.now();
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => likeWrongSecret('wrong')));
    const tookMs = performance.now() - began;
    delay.disable();
    // Worked out on the event loop, they would hold it up for all of that time.
    expect(delay.max / 1e6).toBeLessThan(tookMs / 2);
    const turnedAway = outcomes.filter(({ status }) => status === 'rejected');
    expect(turnedAway).toHaveLength(100 - 66);
    expect(turnedAway[0]).toMatchObject({ reason: { code: 'busy', retryAfterSeconds: 1 } });
    expect(await likeWrongSecret('wrong')).toBe(false);
  });
});
