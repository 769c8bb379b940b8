import { HeddleError } from '@heddle/event';
import type { FastifyReply } from 'fastify';
import type { Taken } from './rate-limits.js';

/** Answers say what is left from here on; far from the limit it would only be bytes. */
const SAID_BELOW = 0.5;

/**
 * Says in an answer what is left of a rate, as draft-ietf-httpapi-ratelimit-headers-10 has it (`RateLimit-Policy`,
 * `RateLimit`).
 *
 * @throws HeddleError `rate-limited` when it was not allowed, with the seconds after which it will be
 */
export function answerRate(taken: Taken, reply: Pick<FastifyReply, 'header'>): void {
  const { allowed, policy, limit, windowSeconds, remaining, resetSeconds } = taken;
  if (allowed && remaining >= limit * SAID_BELOW) return;
  const seconds = Math.ceil(resetSeconds);
  void reply.header('ratelimit-policy', `"${policy}";q=${limit};w=${windowSeconds}`);
  void reply.header('ratelimit', `"${policy}";r=${remaining};t=${seconds}`);
  requireRate(taken);
}

/** @throws HeddleError `rate-limited` when it was not allowed, with the seconds after which it will be */
export function requireRate({ allowed, policy, limit, windowSeconds, resetSeconds }: Taken): void {
  if (allowed) return;
  const seconds = Math.max(1, Math.ceil(resetSeconds));
  throw new HeddleError(
    'rate-limited',
    `The ${policy} may do ${limit} in ${windowSeconds} s; there is room for this in ${seconds} s.`,
    { field: policy, retryAfterSeconds: seconds },
  );
}
