/** Memory that a value is written to, and where the writing stands. */
export interface Output {
  buf: Buffer;
  at: number;
  /** Items of all arrays and maps so far. */
  items: number;
  depth: number;
}

/** Makes room for so many bytes more. */
export function ensure(out: Output, bytes: number): void {
  if (out.at + bytes <= out.buf.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.ceil((out.at + bytes) * 1.5));
  out.buf.copy(larger, 0, 0, out.at);
  out.buf = larger;
}

/** Below this, twice a number is exact. */
const SURELY_EXACT = 2 ** 51;
const LONG_BYTES = 10;

/** Zig-zag, seven bits a byte; false for what is not surely exact. */
export function writeLong(value: number, out: Output): boolean {
  if (!(value >= -SURELY_EXACT && value <= SURELY_EXACT)) return false;
  ensure(out, LONG_BYTES);
  const { buf } = out;
  let { at } = out;
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; rest >= 0x4000_0000; rest = Math.floor(rest / 128)) buf[at++] = (rest % 128) | 0x80;
  for (; rest >= 0x80; rest >>>= 7) buf[at++] = (rest & 0x7f) | 0x80;
  buf[at] = rest;
  out.at = at + 1;
  return true;
}

/** Texts of one byte a letter and up to this many are written letter by letter: a call out of JavaScript costs more. */
const SHORT = 48;
/** Of UTF-8 for one unit of a JavaScript string. */
const UNIT_BYTES = 3;

/** False for text with half of a surrogate pair. */
export function writeText(text: string, out: Output): boolean {
  const { length } = text;
  ensure(out, length * UNIT_BYTES + LONG_BYTES);
  const { buf, at } = out;
  if (length <= SHORT) {
    let n = 0;
    for (; n < length; n += 1) {
      const code = text.charCodeAt(n);
      if (code >= 0x80) break;
      buf[at + 1 + n] = code;
    }
    if (n === length) {
      buf[at] = length << 1;
      out.at = at + 1 + length;
      return true;
    }
  }
  if (!text.isWellFormed()) return false;
  writeLong(Buffer.byteLength(text), out);
  out.at += buf.write(text, out.at);
  return true;
}
