import { createHash, timingSafeEqual } from 'node:crypto';
import { HeddleError } from '@heddle/event';
import { z } from 'zod';
import { LOOPBACK } from './loopback.js';
import type { Tls } from './tls.js';

/** Who may read `/metrics`. */
export const metricsSettings = {
  metrics: {
    env: 'HEDDLE_METRICS',
    schema: z.enum(['open', 'closed'], 'must be open or closed').optional(),
    about:
      'open to answer /metrics to everybody, closed to nobody. When not set: to whoever shows HEDDLE_METRICS_TOKEN; without one, to everybody where only this machine can reach the process, and else to nobody',
  },
  metricsToken: {
    env: 'HEDDLE_METRICS_TOKEN',
    schema: z
      .string()
      .regex(/^[\x21-\x7e]{16,}$/, 'must have 16 characters at least, and no spaces')
      .optional(),
    about: 'what /metrics asks for as a bearer token, which is no access token and good for nothing else',
    secret: true,
  },
} as const;

export interface MetricsExposure {
  host: string;
  tls?: Tls | undefined;
  metrics?: 'open' | 'closed' | undefined;
  metricsToken?: string | undefined;
}

/**
 * Decides by the authorization header of a request.
 *
 * @throws HeddleError `setting-invalid` when there is a token that nobody would be asked for
 */
export function metricsAccess(exposure: MetricsExposure): (authorization: string | undefined) => void {
  const { host, tls, metrics, metricsToken } = exposure;
  if (metricsToken !== undefined) {
    if (metrics === undefined) return asking(metricsToken);
    throw new HeddleError(
      'setting-invalid',
      `HEDDLE_METRICS is ${metrics}, and nobody would be asked for HEDDLE_METRICS_TOKEN: set one of them.`,
    );
  }
  // With a proxy in front, whoever reaches that reaches a process that only this machine can reach.
  const isLocal = LOOPBACK.test(host) && tls !== 'proxy';
  if (metrics === 'open' || (metrics === undefined && isLocal)) return () => undefined;
  return () => {
    throw new HeddleError('permission-missing', 'Metrics are for nobody here: HEDDLE_METRICS_TOKEN_FILE is not set.');
  };
}

function asking(token: string): (authorization: string | undefined) => void {
  const expected = digest(`Bearer ${token}`);
  return (authorization) => {
    if (authorization === undefined) throw new HeddleError('token-missing', 'Show the token of metrics.');
    // Digests are of one length, so that comparing says nothing of how long the token is.
    if (!timingSafeEqual(digest(authorization), expected)) {
      throw new HeddleError('token-invalid', 'This is not the token of metrics; access tokens are none.');
    }
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
