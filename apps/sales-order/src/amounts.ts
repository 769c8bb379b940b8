const SCALE = 3;

/** A decimal of at most three places in whole thousandths: decimals are never numbers here. */
export function thousandthsOf(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(SCALE, '0'));
}

/** The sum of decimals, without needless zeros. */
export function sumOf(decimals: readonly string[]): string {
  let thousandths = 0n;
  for (const decimal of decimals) thousandths += thousandthsOf(decimal);
  const digits = thousandths.toString().padStart(SCALE + 1, '0');
  const fraction = digits.slice(-SCALE).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -SCALE) : `${digits.slice(0, -SCALE)}.${fraction}`;
}
