/**
 * A function made for one record: with its fields by name in the source, the engine reads and makes its objects as it
 * does those of a class, which no loop over names comes near. avsc does the same. What stands in the source is numbers
 * and names of fields, which are letters, digits and underscores (`schemaTree` refuses any other).
 *
 * @param source the body of a function that answers with the one wanted
 * @param names what it may use, by name
 */
export function compileFunction<T>(source: string, names: Readonly<Record<string, unknown>>): T {
  // oxlint-disable-next-line typescript/no-implied-eval -- see above
  const make = new Function(...Object.keys(names), `'use strict'; ${source}`) as (...values: unknown[]) => T;
  return make(...Object.values(names));
}
