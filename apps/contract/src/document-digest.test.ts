import { digestHeader } from '@heddle/mesh';
import { expect, it } from 'vitest';
import { announcedDigest } from './document-digest.js';

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** RFC 9530, appendix D. */
const FIELD = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';

it('a digest is read as it is written, among those of other algorithms too', () => {
  expect(digestHeader(EMPTY)).toBe(FIELD);
  expect(announcedDigest({ 'content-digest': FIELD })).toBe(EMPTY);
  expect(announcedDigest({ 'repr-digest': `sha-512=:AAAA:, ${FIELD}` })).toBe(EMPTY);
  expect(announcedDigest({ 'content-digest': FIELD, 'repr-digest': FIELD })).toBe(EMPTY);
});

it('nothing is announced where no SHA-256 is', () => {
  expect(announcedDigest({})).toBeUndefined();
  expect(announcedDigest({ 'content-digest': 'sha-512=:AAAA:' })).toBeUndefined();
});

it.each(['sha-256=:AAAA:', 'sha-256=::', 'sha-256=abc', `sha-256=${EMPTY}`, `sha-512=:AAAA:,sha-256=?1`])(
  'what is no SHA-256 is refused: %s',
  (field) => {
    expect(() => announcedDigest({ 'content-digest': field })).toThrow(/must have a SHA-256/);
  },
);

it('two that differ are refused', () => {
  const other = digestHeader('ab'.repeat(32));
  expect(() => announcedDigest({ 'content-digest': FIELD, 'repr-digest': other })).toThrow(/two different documents/);
});
