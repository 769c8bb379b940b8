import { isDeepStrictEqual } from 'node:util';
import { isMasked, looksLike } from './masked.js';

/** One place in which a thing differs from what it is to be. */
export interface Difference {
  /** `retry.attempts` */
  path: string;
  before?: unknown;
  after?: unknown;
}

/** Where two values differ. A secret is compared by what is shown of it, and never part of the answer. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (isMasked(before) && typeof after === 'string') {
    return looksLike(after, before) || after === before
      ? []
      : [{ path, before: '(secret)', after: '(another secret)' }];
  }
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differences(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  const hasSecrets = JSON.stringify(before ?? null).includes('•••');
  if (Array.isArray(before) && Array.isArray(after) && (before.length === after.length || hasSecrets)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }).flatMap((_, index) =>
      differences((before as unknown[])[index], (after as unknown[])[index], `${path}.${index}`),
    );
  }
  if (isDeepStrictEqual(before, after)) return [];
  const isSecret = /(?:^|\.)(?:secret|password|clientSecret|privateKey)$/.test(path);
  return [
    {
      path,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after: isSecret || isSecretIn(after) ? '(secret)' : after }),
    },
  ];
}

/** `- leaseMs: 30000` and `+ leaseMs: 60000` for each. */
export function differenceLines(all: readonly Difference[]): string[] {
  return all.flatMap(({ path, before, after }) => [
    ...(before === undefined ? [] : [`- ${path}: ${JSON.stringify(before)}`]),
    ...(after === undefined ? [] : [`+ ${path}: ${JSON.stringify(after)}`]),
  ]);
}

function isSecretIn(value: unknown): boolean {
  if (typeof value === 'string') return /^wh(?:sec|sk)_/.test(value);
  return (
    typeof value === 'object' &&
    value !== null &&
    /"(?:secret|password|clientSecret|privateKey|value)":/.test(JSON.stringify(value))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
