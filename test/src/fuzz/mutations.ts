import type { Chance } from '../support/chance.js';

/** What parsers stumble over when it stands where it should not. */
const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '.',
    '-',
    'null',
    'true',
    '\u0000',
    '\uFEFF',
    '\uD800',
    '\u{1FFFE}',
  ],
  ...['1e999', '-0', '99999999999999999999', '0x10', '__proto__', 'constructor', 'prototype', 'toString', '\\u0000'],
  ...['%00', '%C0%80', '../', '((((((((', '.map(x, x)', ' || ', 'a'.repeat(300), '['.repeat(80), '{"a":'.repeat(80)],
];
const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, '', ' ', '1.0', 'null', [], {}, [[]], [null]],
  ...[
    { a: 1 },
    { kind: 'settle' },
    'x'.repeat(5000),
    '\u0000',
    '\uD800',
    '__proto__',
    Array.from({ length: 200 }, () => 1),
  ],
];
const MOST_BYTES = 64 * 1024;

/** Makes of valid bytes, and of valid JSON, such as is almost valid. */
export class Mutations {
  constructor(private readonly chance: Chance) {}

  /** One of them. */
  oneOf<T>(all: readonly T[]): T {
    return all[this.chance.between(0, all.length - 1)]!;
  }

  /** The bytes, changed in one to four places. */
  bytes(valid: Buffer): Buffer {
    let bytes: Buffer = Buffer.from(valid);
    for (let left = this.chance.between(1, 4); left > 0; left -= 1) bytes = this.#changed(bytes);
    return bytes.subarray(0, MOST_BYTES);
  }

  /** The text, changed as its bytes are. */
  text(valid: string): string {
    return this.bytes(Buffer.from(valid)).toString();
  }

  /** JSON with one to three of its values or names changed; the rest is as it was. */
  json(valid: unknown): unknown {
    let json = structuredClone(valid);
    for (let left = this.chance.between(1, 3); left > 0; left -= 1) json = this.#replaced(json);
    return json;
  }

  #changed(bytes: Buffer): Buffer {
    const at = this.chance.between(0, bytes.length);
    const until = Math.min(bytes.length, at + this.chance.between(1, 16));
    const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, until), bytes.subarray(until)];
    switch (this.chance.between(0, 7)) {
      case 0:
        return Buffer.concat([before, flipped(part, this.chance.between(0, 7)), after]);
      case 1:
        return before;
      case 2:
        return Buffer.concat([before, after]);
      case 3:
        return Buffer.concat([before, part, part, after]);
      case 4:
        return Buffer.concat([before, Buffer.from(this.oneOf(ODD_TEXTS)), part, after]);
      case 5:
        return Buffer.concat([before, Buffer.from(part.map(() => this.chance.between(0, 255))), after]);
      case 6:
        return Buffer.concat([before, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), after]);
      default:
        return Buffer.concat([after, part, before]);
    }
  }

  /** Goes down by chance, and changes what it comes to. */
  #replaced(json: unknown): unknown {
    const isEnd = typeof json !== 'object' || json === null || this.chance.between(0, 4) === 0;
    if (isEnd)
      return typeof json === 'string' && this.chance.between(0, 1) === 0 ? this.text(json) : this.oneOf(ODD_VALUES);
    if (Array.isArray(json)) {
      const at = this.chance.between(0, json.length);
      return json.length === 0 ? [this.oneOf(ODD_VALUES)] : json.toSpliced(at, 1, this.#replaced(json[at]));
    }
    const entries = Object.entries(json);
    if (entries.length === 0) return { [this.oneOf(ODD_TEXTS)]: this.oneOf(ODD_VALUES) };
    const at = this.chance.between(0, entries.length - 1);
    const [name, value] = entries[at]!;
    const ways: [string, unknown][][] = [[[name, this.#replaced(value)]], [[this.text(name), value]], []];
    return Object.fromEntries(entries.toSpliced(at, 1, ...this.oneOf(ways)));
  }
}

function flipped(part: Buffer, bit: number): Buffer {
  const bytes = Buffer.from(part);
  if (bytes.length > 0) bytes[0] = bytes[0]! ^ (1 << bit);
  return bytes;
}
