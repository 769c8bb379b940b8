/** Bytes of a representation, by the numbers of the first and the last of them. */
export interface ByteRange {
  first: number;
  last: number;
}

const UNIT = /^bytes=(.+)$/i;
const ONE = /^(\d{1,15})-(\d{1,15})?$/;
const LAST = /^-(\d{1,15})$/;

/**
 * What of so many bytes a `Range` asks for (RFC 9110 §14.1.2): a range, all of them where there is none, or nothing that is
 * there. What is no range of bytes, and several of them, count as none, as the RFC allows: the answer is the whole.
 */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  const spec = UNIT.exec(header?.trim() ?? '')?.[1]?.trim() ?? '';
  const suffix = LAST.exec(spec);
  if (suffix !== null) {
    const bytes = Math.min(Number(suffix[1]), sizeBytes);
    return bytes === 0 ? 'unsatisfiable' : { first: sizeBytes - bytes, last: sizeBytes - 1 };
  }
  const range = ONE.exec(spec);
  if (range === null) return 'whole';
  const first = Number(range[1]);
  const last = range[2] === undefined ? Infinity : Number(range[2]);
  if (last < first) return 'whole';
  return first >= sizeBytes ? 'unsatisfiable' : { first, last: Math.min(last, sizeBytes - 1) };
}
