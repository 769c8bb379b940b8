import { ensure, type Output } from './data-output.js';

/*
 * Decimals of up to fifteen digits, without big integers. Anything else is for `decimal.ts`.
 */

const MAX_DIGITS = 15;
const [MINUS, POINT] = [45, 46];
const POWERS = Array.from({ length: MAX_DIGITS + 1 }, (_, n) => 10 ** n);

/** `.00` to `.99` and the like, by their number of places: few of them are what money has. */
const FRACTIONS = [0, 1, 2, 3].map((places) =>
  Array.from({ length: 10 ** places }, (_, n) => `.${String(n).padStart(places, '0')}`),
);

/** The unscaled number of a decimal in text; undefined where this does not tell. */
export function quickUnscaled(text: string, precision: number, scale: number): number | undefined {
  const isNegative = text.charCodeAt(0) === MINUS;
  const start = isNegative ? 1 : 0;
  const { length } = text;
  if (length - start > MAX_DIGITS + 1) return undefined;
  let value = 0;
  let point = -1;
  for (let at = start; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === POINT && point < 0) {
      point = at;
      continue;
    }
    if (code < 48 || code > 57) return undefined;
    value = value * 10 + (code - 48);
  }
  // At least one digit on either side of a point.
  if (length === start || point === start || point === length - 1) return undefined;
  const places = point < 0 ? 0 : length - point - 1;
  const missing = scale - places;
  if (missing < 0 || missing > MAX_DIGITS) return undefined;
  value *= POWERS[missing] as number;
  if (value > Number.MAX_SAFE_INTEGER) return undefined;
  if (precision <= MAX_DIGITS && value >= (POWERS[precision] as number)) return undefined;
  return isNegative && value !== 0 ? -value : value;
}

/** Writes two's complement in as few bytes as hold the sign, its length in front; or in exactly `size`. */
export function writeUnscaled(value: number, size: number | undefined, out: Output): boolean {
  const fill = value < 0 ? 0xff : 0;
  // The bytes of -n - 1 are those of n, each turned over.
  let magnitude = value < 0 ? -value - 1 : value;
  let length = 1;
  for (let limit = 128; magnitude >= limit; limit *= 256) length += 1;
  if (size !== undefined && length > size) return false;
  ensure(out, (size ?? length) + 1);
  const { buf } = out;
  if (size === undefined) buf[out.at++] = length << 1;
  else for (; length < size; length += 1);
  for (let at = out.at + length - 1; at >= out.at; at -= 1) {
    buf[at] = (magnitude % 256) ^ fill;
    magnitude = Math.floor(magnitude / 256);
  }
  out.at += length;
  return true;
}

/** A decimal of up to six bytes as text with all its places; undefined where this does not tell. */
export function quickDecimalText(
  bytes: Buffer,
  at: number,
  length: number,
  precision: number,
  scale: number,
): string | undefined {
  if (length === 0 || length > 6 || scale > MAX_DIGITS) return undefined;
  const isNegative = (bytes[at] as number) >= 0x80;
  const fill = isNegative ? 0xff : 0;
  let magnitude = 0;
  for (let n = 0; n < length; n += 1) magnitude = magnitude * 256 + ((bytes[at + n] as number) ^ fill);
  if (isNegative) magnitude += 1;
  if (precision <= MAX_DIGITS && magnitude >= (POWERS[precision] as number)) return undefined;
  const sign = isNegative ? '-' : '';
  if (scale === 0) return sign + String(magnitude);
  const power = POWERS[scale] as number;
  const whole = Math.floor(magnitude / power);
  const places = magnitude - whole * power;
  return sign + String(whole) + (FRACTIONS[scale]?.[places] ?? `.${String(places).padStart(scale, '0')}`);
}
