const DRAWS = 65_536;

/**
 * Keys below a count, of which the n-th comes 1/n as often as the first (Zipf's law, exponent 1). The same ones at every
 * run: a generator of fixed seed (xorshift32) draws them.
 */
export function zipfDraws(keys: number): Uint32Array {
  const upTo = new Float64Array(keys);
  let sum = 0;
  for (let key = 0; key < keys; key += 1) upTo[key] = sum += 1 / (key + 1);
  let state = 0x9e3779b9;
  return Uint32Array.from({ length: DRAWS }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const wanted = ((state >>> 0) / 2 ** 32) * sum;
    const key = upTo.findIndex((each) => each > wanted);
    return key < 0 ? keys - 1 : key;
  });
}
