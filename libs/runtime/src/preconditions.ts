import { HeddleError } from '@heddle/event';

/** The version that a change asks for, any, or no condition at all. */
export type Expected = ReadonlySet<number> | 'any' | undefined;

/** The entity tag of a version, as in ETag. */
export function entityTag(version: number): string {
  return `"${version}"`;
}

/** Reads If-Match; tags that are not ours match nothing (RFC 9110 §13.1.1: by strong comparison). */
export function expectedOf(ifMatch: string | undefined): Expected {
  if (ifMatch === undefined) return undefined;
  if (ifMatch.trim() === '*') return 'any';
  return new Set(ifMatch.split(',').map((tag) => Number(/^\s*"(\d+)"\s*$/.exec(tag)?.[1] ?? Number.NaN)));
}

/**
 * As {@link expectedOf}, where a change must not be made blindly.
 *
 * @throws HeddleError `precondition-required`
 */
export function requiredOf(ifMatch: string | undefined): Expected {
  if (ifMatch === undefined) {
    throw new HeddleError(
      'precondition-required',
      'Say which version is to be changed: send the ETag of the last answer as If-Match (or * for any).',
      { field: 'if-match' },
    );
  }
  return expectedOf(ifMatch);
}

/** @throws HeddleError `precondition-failed` */
export function checkExpected(expected: Expected, version: number): void {
  if (expected === undefined || expected === 'any' || expected.has(version)) return;
  throw new HeddleError('precondition-failed', `The version is ${version} now: read it again, then change it.`, {
    field: 'if-match',
  });
}

/** Whether If-None-Match names the version (by weak comparison, RFC 9110 §13.1.2). */
export function isKnown(ifNoneMatch: string | undefined, version: number): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => ['*', entityTag(version)].includes(tag.trim().replace(/^W\//, '')));
}
