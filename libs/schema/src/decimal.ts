const DECIMAL = /^(-?)(\d{1,1000})(?:\.(\d{1,1000}))?$/;

/**
 * The unscaled number of a decimal in text (`-12.50` at scale 3 is -12500), or the rule it breaks. Digits beyond the
 * scale must be zeros: nothing is rounded.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint | string {
  const match = DECIMAL.exec(text);
  if (match === null) return 'must be a decimal number as a string, as "12.50"';
  const [, sign = '', whole = '', fraction = ''] = match;
  if (!/^0*$/.test(fraction.slice(scale))) return `must have at most ${scale} decimal places`;
  const digits = (whole + fraction.slice(0, scale).padEnd(scale, '0')).replace(/^0+(?=\d)/, '');
  if (digits.length > precision && digits !== '0')
    return `must have at most ${precision - scale} digits before the point`;
  const unscaled = BigInt(digits);
  return sign === '-' ? -unscaled : unscaled;
}

/** A decimal in text, always with all places of its scale: `-12.500`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return negative ? `-${text}` : text;
}

/** Two's complement, big-endian, in as few bytes as hold the sign; or in exactly `size`. */
export function toTwosComplement(value: bigint, size?: number): Buffer {
  const length = size ?? minimalLength(value);
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0');
  return Buffer.from(hex, 'hex');
}

function minimalLength(value: bigint): number {
  const magnitude = value < 0n ? -value - 1n : value;
  // One bit more than the magnitude, for the sign.
  return magnitude === 0n ? 1 : Math.floor(magnitude.toString(2).length / 8) + 1;
}

export function fromTwosComplement(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}
