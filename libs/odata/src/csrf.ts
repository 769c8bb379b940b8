import { createHash, timingSafeEqual } from 'node:crypto';

/** The header with which a client asks for a token, and shows it with whatever changes something. */
export const CSRF_HEADER = 'x-csrf-token';

/**
 * The token of whoever comes with such an `Authorization`. It is made of that alone, so that all instances agree and
 * nobody keeps anything: a page of somebody else, which does not know the one, cannot know the other.
 */
export function csrfTokenOf(authorization: string | undefined): string {
  return createHash('sha256')
    .update(`csrf ${authorization ?? ''}`)
    .digest('base64url');
}

export function isCsrfFetch(value: string | undefined): boolean {
  return value?.trim().toLowerCase() === 'fetch';
}

export function isCsrfToken(value: string | undefined, token: string): boolean {
  const [given, wanted] = [Buffer.from(value?.trim() ?? ''), Buffer.from(token)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
