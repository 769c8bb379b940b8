import type { AvroSchema } from '@heddle/schema';
import fc from 'fast-check';
import type { SchemaPair } from './java-verdicts.js';
import { withFittingDefaults } from './schema-defaults.js';
import { SchemaMaker, type Json } from './schema-maker.js';
import { mutated } from './schema-mutations.js';

/** What a pair is made of: a schema and what one to three changes make of it, or two schemas of nothing in common. */
const PAIR = (real: readonly AvroSchema[]): fc.Arbitrary<SchemaPair> =>
  fc.gen().map((give) => {
    const maker = new SchemaMaker((bound) => give(fc.nat, { max: bound - 1 }));
    const isReal = maker.below(3) === 0;
    const before = isReal ? (structuredClone(maker.one(real)) as Json) : maker.record();
    let after = maker.below(12) === 0 ? maker.record() : before;
    for (let changes = 1 + maker.below(3); changes > 0; changes -= 1) after = mutated(after, maker);
    const [one, other] = [before, after].map(withFittingDefaults);
    return maker.below(2) === 0 ? { reader: one, writer: other } : { reader: other, writer: one };
  });

/** So many pairs of reader and writer, the same for the same seed; those that are no schemas at all are passed over. */
export function schemaPairs(
  count: number,
  seed: number,
  real: readonly AvroSchema[],
  isValid: (schema: unknown) => boolean,
): SchemaPair[] {
  const pairs: SchemaPair[] = [];
  for (let round = 0; pairs.length < count; round += 1) {
    const drawn = fc.sample(PAIR(real), { numRuns: count, seed: seed + round });
    pairs.push(...drawn.filter(({ reader, writer }) => isValid(reader) && isValid(writer)));
  }
  return pairs.slice(0, count);
}
