/**
 * Names, as permissions select them: `+` stands for one whole segment, `*` at the end for the rest, also within a
 * segment (`orders-*`). Segments are separated by dots or slashes.
 */
export const PATTERN_RULE =
  'is letters, digits and ._/- with + for one whole segment and * at its end at most, up to 256 characters';

const PATTERN = /^(?=.{1,256}$)(?:[A-Za-z0-9_-]+|\+)(?:[./](?:[A-Za-z0-9_-]+|\+))*(?:[./]?\*)?$|^\*$/;

/** Whether this is a pattern. */
export function isPattern(text: string): boolean {
  return PATTERN.test(text) && !text.endsWith('+*');
}

/**
 * Whether a pattern selects everything that another one does; a name is a pattern that selects itself.
 *
 * Both are read once from left to right, for `+` ends at a separator and `*` at the end.
 */
export function covers(pattern: string, other: string): boolean {
  let at = 0;
  for (let index = 0; index < other.length; index += 1, at += 1) {
    const wanted = pattern[at];
    if (wanted === '*') return true;
    if (other[index] === '*') return false;
    if (wanted === '+') {
      while (index + 1 < other.length && !isSeparator(other[index + 1]!)) {
        index += 1;
        if (other[index] === '*') return false;
      }
    } else if (wanted !== other[index]) return false;
  }
  return at === pattern.length || (pattern[at] === '*' && at + 1 === pattern.length);
}

function isSeparator(character: string): boolean {
  return character === '.' || character === '/';
}
