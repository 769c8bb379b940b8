import { HeddleError } from '@heddle/event';
import { describe, expect, it } from 'vitest';
import { checkExpected, entityTag, expectedOf, isKnown, requiredOf } from './preconditions.js';

const refusal = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof HeddleError ? error.code : String(error);
  }
};

describe('If-Match', () => {
  it('matches the versions it lists, and * any', () => {
    expect(refusal(() => checkExpected(expectedOf('"3", "4"'), 4))).toBeUndefined();
    expect(refusal(() => checkExpected(expectedOf('"3", "4"'), 5))).toBe('precondition-failed');
    expect(refusal(() => checkExpected(expectedOf(' * '), 5))).toBeUndefined();
    expect(refusal(() => checkExpected(expectedOf(undefined), 5))).toBeUndefined();
  });

  it('matches nothing by weak tags and tags that are not ours', () => {
    for (const tag of ['W/"5"', '5', '"5', '"five"', '']) {
      expect(refusal(() => checkExpected(expectedOf(tag), 5))).toBe('precondition-failed');
    }
  });

  it('is asked for where a change must not be made blindly', () => {
    expect(refusal(() => requiredOf(undefined))).toBe('precondition-required');
    expect(refusal(() => checkExpected(requiredOf(entityTag(5)), 5))).toBeUndefined();
  });
});

describe('If-None-Match', () => {
  it('knows the versions it lists, weak tags too, and * any', () => {
    expect(isKnown('"1", W/"2"', 2)).toBe(true);
    expect(isKnown('*', 2)).toBe(true);
    expect(isKnown('"1"', 2)).toBe(false);
    expect(isKnown(undefined, 2)).toBe(false);
  });
});
