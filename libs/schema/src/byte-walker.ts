import type { SchemaNode } from './schema-tree.js';
import { minimumWidths } from './schema-rules.js';

/** How much one value may hold; counted over its bytes, before anything is decoded. */
export interface AvroLimits {
  /** Items of all arrays and maps of one value together. */
  items: number;
  /** Values of any kind together, for fields may take no bytes. */
  values: number;
  depth: number;
}

export const AVRO_LIMITS: AvroLimits = { items: 100_000, values: 1_000_000, depth: 64 };

/** Where the walk stands. `end` is the length of `bytes`. */
interface Walk {
  bytes: Uint8Array;
  at: number;
  end: number;
  items: number;
  values: number;
  depth: number;
}

type Step = (walk: Walk) => void;

/**
 * Compiles a walk over the bytes of a value, which holds them to the limits and to the end of the buffer; avsc itself
 * believes every count it reads. Answers with the offset after the value, or throws an Error with the reason.
 */
export function byteWalker(tree: SchemaNode, limits: AvroLimits): (bytes: Uint8Array, from: number) => number {
  const step = new WalkCompiler(tree, limits).compile(tree);
  const walk: Walk = { bytes: new Uint8Array(0), at: 0, end: 0, items: 0, values: 0, depth: 0 };
  return (bytes, from) => {
    walk.bytes = bytes;
    walk.at = from;
    walk.end = bytes.length;
    walk.items = 0;
    walk.values = 0;
    walk.depth = 0;
    step(walk);
    return walk.at;
  };
}

class WalkCompiler {
  readonly #records = new Map<string, Step>();
  readonly #limits: AvroLimits;
  readonly #width: (node: SchemaNode) => number;

  constructor(tree: SchemaNode, limits: AvroLimits) {
    this.#limits = limits;
    this.#width = minimumWidths(tree);
  }

  compile(node: SchemaNode): Step {
    switch (node.kind) {
      case 'null':
        return () => undefined;
      case 'boolean':
        return (walk) => skip(walk, 1);
      case 'int':
        return skipInt;
      case 'long':
        return skipLong;
      case 'float':
        return (walk) => skip(walk, 4);
      case 'double':
        return (walk) => skip(walk, 8);
      case 'bytes':
      case 'string':
        return skipBytes;
      case 'fixed':
        return (walk) => skip(walk, node.size);
      case 'enum': {
        const { length } = node.symbols;
        return (walk) => void index(walk, length);
      }
      case 'union': {
        const branches = node.branches.map((branch) => this.compile(branch));
        return (walk) => (branches[index(walk, branches.length)] as Step)(walk);
      }
      case 'array':
        return this.#blocks(this.compile(node.items), this.#width(node.items));
      case 'map': {
        const value = this.compile(node.values);
        return this.#blocks(
          (walk) => {
            skipKey(walk);
            value(walk);
          },
          1 + this.#width(node.values),
        );
      }
      case 'record':
        return this.#record(node);
    }
  }

  #record(node: Extract<SchemaNode, { kind: 'record' }>): Step {
    const known = this.#records.get(node.name);
    if (known !== undefined) return known;
    const fields: Step[] = [];
    const { depth, values } = this.#limits;
    const step: Step = (walk) => {
      if ((walk.depth += 1) > depth) throw new Error(`it is nested deeper than ${depth}`);
      if ((walk.values += fields.length) > values) throw new Error(`it holds more than ${values} values`);
      for (let i = 0; i < fields.length; i += 1) (fields[i] as Step)(walk);
      walk.depth -= 1;
    };
    this.#records.set(node.name, step);
    for (const field of node.fields) fields.push(this.compile(field.type));
    return step;
  }

  /** Blocks of items, each with its count in front, until a count of zero. */
  #blocks(item: Step, width: number): Step {
    const { items, depth } = this.#limits;
    return (walk) => {
      if ((walk.depth += 1) > depth) throw new Error(`it is nested deeper than ${depth}`);
      for (;;) {
        let count = long(walk);
        if (count === 0) break;
        if (count < 0) {
          count = -count;
          if (long(walk) < 0) throw new Error('a block has a negative size');
        }
        if ((walk.items += count) > items) throw new Error(`it holds more than ${items} items`);
        if (count * width > walk.end - walk.at) throw new Error('it counts more items than there are bytes');
        for (let i = 0; i < count; i += 1) item(walk);
      }
      walk.depth -= 1;
    };
  }
}

function skip(walk: Walk, bytes: number): void {
  if ((walk.at += bytes) > walk.end) throw cutShort();
}

function skipBytes(walk: Walk): void {
  const { bytes, at, end } = walk;
  const first = at < end ? (bytes[at] as number) : 0x80;
  // One byte for lengths to 63; an odd one is negative.
  const length = first < 0x80 ? lengthOf(first, walk) : long(walk);
  if (length < 0) throw new Error('a length is negative');
  if ((walk.at += length) > end) throw cutShort();
}

function lengthOf(first: number, walk: Walk): number {
  walk.at += 1;
  return (first >> 1) ^ -(first & 1);
}

/** A key named like JavaScript's own prototype would be lost on the way into an object. */
const PROTOTYPE_KEY = Buffer.from('__proto__');

function skipKey(walk: Walk): void {
  skipBytes(walk);
  const start = walk.at - PROTOTYPE_KEY.length;
  if (start < 0 || walk.bytes[start] !== PROTOTYPE_KEY[0] || walk.bytes[start - 1] !== PROTOTYPE_KEY.length * 2) return;
  if (PROTOTYPE_KEY.every((byte, i) => walk.bytes[start + i] === byte)) throw new Error('a map has the key __proto__');
}

function index(walk: Walk, count: number): number {
  const at = long(walk);
  if (at < 0 || at >= count) throw new Error(`a branch or symbol has the number ${at} of ${count}`);
  return at;
}

/** Five bytes hold 35 bits, of which an int has 32. */
function skipInt(walk: Walk): void {
  const { bytes, end } = walk;
  for (let n = 0; n < 5; n += 1) {
    if (walk.at >= end) throw cutShort();
    const byte = bytes[walk.at++] as number;
    if (byte >= 0x80) continue;
    if (n === 4 && byte > 0x0f) throw new Error('an int has more than 32 bits');
    return;
  }
  throw new Error('an int has too many bytes');
}

/** Ten bytes hold 70 bits, of which a long has 64. */
function skipLong(walk: Walk): void {
  const { bytes, end } = walk;
  for (let n = 0; n < 10; n += 1) {
    if (walk.at >= end) throw cutShort();
    const byte = bytes[walk.at++] as number;
    if (byte >= 0x80) continue;
    if (n === 9 && byte > 1) throw new Error('a long has more than 64 bits');
    return;
  }
  throw new Error('a number has too many bytes');
}

/** Exact as far as counts and lengths can be meant; what is larger is far beyond every limit anyway. */
function long(walk: Walk): number {
  const { bytes, end } = walk;
  let value = 0;
  let factor = 1;
  for (let n = 0; n < 10; n += 1) {
    if (walk.at >= end) throw cutShort();
    const byte = bytes[walk.at++] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    factor *= 128;
  }
  throw new Error('a number has too many bytes');
}

function cutShort(): Error {
  return new Error('it is cut short');
}
