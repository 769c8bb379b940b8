import type { AvroLimits } from './byte-walker.js';
import { parseDecimal, toTwosComplement } from './decimal.js';
import { ensure, writeLong, writeText, type Output } from './data-output.js';
import { bytesOf, floatOf, isUuid } from './json-forms.js';
import { MICROS, MILLIS, parseDate, parseTime, parseTimestamp } from './moment.js';
import { quickUnscaled, writeUnscaled } from './quick-decimal.js';
import { quickDate, quickInstant } from './quick-moment.js';
import { compileFunction } from './record-function.js';
import { jsonKindsOf } from './schema-rules.js';
import type { FieldNode, FixedNode, PrimitiveNode, RecordNode, SchemaNode } from './schema-tree.js';

/** Writes a value; false where it cannot tell whether the value is right, with whatever it has written so far. */
export type Write = (value: unknown, out: Output) => boolean;

/**
 * Compiles the check of data in its JSON form and its writing as one: what it writes is what avsc would. It never
 * writes what is wrong, and where it answers false, `dataCheck` and avsc have the word: few events, and all bad ones,
 * take that way.
 */
export function dataWriter(tree: SchemaNode, limits: AvroLimits): Write {
  return new WriteCompiler(limits).compile(tree);
}

class WriteCompiler {
  readonly #records = new Map<string, Write>();

  constructor(private readonly limits: AvroLimits) {}

  compile(node: SchemaNode): Write {
    switch (node.kind) {
      case 'record':
        return this.#record(node);
      case 'array':
        return this.#array(this.compile(node.items));
      case 'map':
        return this.#map(this.compile(node.values));
      case 'union':
        return this.#union(node.branches);
      case 'enum': {
        const indexes = new Map<unknown, number>(node.symbols.map((symbol, index) => [symbol, index]));
        return (value, out) => {
          const index = indexes.get(value);
          return index !== undefined && writeLong(index, out);
        };
      }
      default:
        return scalarWrite(node);
    }
  }

  #record(node: RecordNode): Write {
    const known = this.#records.get(node.name);
    if (known !== undefined) return known;
    let write: Write = () => false;
    // A record may hold itself: what is inside of it finds it by this.
    this.#records.set(node.name, (value, out) => write(value, out));
    const writes = node.fields.map(({ type }) => this.compile(type));
    const defaults = node.fields.map((field, index) => defaultWrite(field, writes[index] as Write));
    const lines = node.fields.map(
      ({ name }, n) =>
        `x = value.${name}; if (x === undefined) { given -= 1; if (!d[${n}](out)) return false; } else if (!w${n}(x, out)) return false;`,
    );
    const source = `
      ${node.fields.map((_, n) => `const w${n} = w[${n}];`).join(' ')}
      return (value, out) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
        if ((out.depth += 1) > ${this.limits.depth}) return false;
        let given = ${node.fields.length};
        let x;
        ${lines.join('\n        ')}
        out.depth -= 1;
        // A field too many is not known here.
        for (const name in value) given -= 1;
        return given === 0;
      };`;
    write = compileFunction<Write>(source, { w: writes, d: defaults });
    return write;
  }

  #array(item: Write): Write {
    return (value, out) => {
      if (!Array.isArray(value)) return false;
      const { length } = value;
      if (!this.#admits(length, out)) return false;
      if (length > 0) writeLong(length, out);
      for (let n = 0; n < length; n += 1) if (!item(value[n], out)) return false;
      out.depth -= 1;
      return writeLong(0, out);
    };
  }

  #map(entry: Write): Write {
    return (value, out) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      const keys = Object.keys(value);
      if (!this.#admits(keys.length, out)) return false;
      if (keys.length > 0) writeLong(keys.length, out);
      for (const key of keys) {
        if (key === '__proto__' || !writeText(key, out)) return false;
        if (!entry((value as Record<string, unknown>)[key], out)) return false;
      }
      out.depth -= 1;
      return writeLong(0, out);
    };
  }

  #admits(count: number, out: Output): boolean {
    return (out.items += count) <= this.limits.items && (out.depth += 1) <= this.limits.depth;
  }

  #union(branches: readonly SchemaNode[]): Write {
    const byKind: Record<string, Write | undefined> = {};
    branches.forEach((branch, index) => {
      if (branch.kind === 'union') return;
      const write = this.compile(branch);
      for (const kind of jsonKindsOf(branch)) byKind[kind] = (value, out) => writeLong(index, out) && write(value, out);
    });
    const { null: none, boolean, number, string, array, object } = byKind;
    return (value, out) => {
      switch (typeof value) {
        case 'string':
          return string !== undefined && string(value, out);
        case 'number':
          return number !== undefined && number(value, out);
        case 'boolean':
          return boolean !== undefined && boolean(value, out);
        case 'object': {
          const branch = value === null ? none : Array.isArray(value) ? array : object;
          return branch !== undefined && branch(value, out);
        }
        default:
          return false;
      }
    };
  }
}

/** Writes the default of a field that was left out, where that is the same in Avro's JSON as in ours. */
function defaultWrite({ type, default: fallback }: FieldNode, write: Write): (out: Output) => boolean {
  const first = type.kind === 'union' ? type.branches[0] : type;
  const isPlain = first !== undefined && ['null', 'boolean', 'string', 'enum'].includes(first.kind);
  const out: Output = { buf: Buffer.alloc(64), at: 0, items: 0, depth: 0 };
  if (fallback === undefined || !isPlain || !write(fallback, out)) return () => false;
  const bytes = Buffer.from(out.buf.subarray(0, out.at));
  return (to) => {
    ensure(to, bytes.length);
    to.at += bytes.copy(to.buf, to.at);
    return true;
  };
}

function scalarWrite(node: PrimitiveNode | FixedNode): Write {
  if (node.logical !== undefined) return logicalWrite(node, node.logical);
  switch (node.kind) {
    case 'null':
      return (value) => value === null;
    case 'boolean':
      return (value, out) => typeof value === 'boolean' && writeLong(value ? -1 : 0, out);
    case 'int':
      return (value, out) => typeof value === 'number' && value === (value | 0) && writeLong(value, out);
    case 'long':
      return (value, out) => typeof value === 'number' && Number.isSafeInteger(value) && writeLong(value, out);
    case 'float':
    case 'double':
      return floatWrite(node.kind === 'float' ? 4 : 8);
    case 'bytes':
      return (value, out) => writeBytes(bytesOf(value), undefined, out);
    case 'fixed':
      return (value, out) => writeBytes(bytesOf(value), node.size, out);
    case 'string': {
      const maxLength = node.maxLength ?? Number.POSITIVE_INFINITY;
      return (value, out) => typeof value === 'string' && value.length <= maxLength && writeText(value, out);
    }
  }
}

function logicalWrite(node: PrimitiveNode | FixedNode, logical: string): Write {
  const unit = logical.endsWith('micros') ? MICROS : MILLIS;
  switch (logical) {
    case 'decimal': {
      const { precision = 1, scale = 0 } = node;
      const size = node.kind === 'fixed' ? node.size : undefined;
      return (value, out) => {
        if (typeof value !== 'string') return false;
        const unscaled = quickUnscaled(value, precision, scale);
        if (unscaled !== undefined) return writeUnscaled(unscaled, size, out);
        const exact = parseDecimal(value, precision, scale);
        return typeof exact === 'bigint' && writeBytes(toTwosComplement(exact, size), size, out);
      };
    }
    case 'uuid':
      // As sixteen bytes it is rare enough for the longer way.
      return (value, out) =>
        node.kind === 'string' && typeof value === 'string' && isUuid(value) && writeText(value, out);
    case 'date':
      return (value, out) => typeof value === 'string' && writeTicks(quickDate(value) ?? parseDate(value), out);
    case 'time-millis':
    case 'time-micros':
      return (value, out) => typeof value === 'string' && writeTicks(parseTime(value, unit), out);
    case 'timestamp-millis':
      return (value, out) =>
        typeof value === 'string' && writeTicks(quickInstant(value) ?? parseTimestamp(value, unit, false), out);
    default: {
      const isLocal = logical.startsWith('local');
      return (value, out) => typeof value === 'string' && writeTicks(parseTimestamp(value, unit, isLocal), out);
    }
  }
}

/** A string is a rule that was broken. */
function writeTicks(ticks: number | bigint | string, out: Output): boolean {
  return typeof ticks === 'number' && writeLong(ticks, out);
}

function floatWrite(bytes: 4 | 8): Write {
  return (value, out) => {
    const number = typeof value === 'number' ? value : floatOf(value);
    if (number === undefined || (typeof value === 'number' && !Number.isFinite(value))) return false;
    ensure(out, bytes);
    out.at = bytes === 4 ? out.buf.writeFloatLE(number, out.at) : out.buf.writeDoubleLE(number, out.at);
    return true;
  };
}

function writeBytes(bytes: Buffer | undefined, size: number | undefined, out: Output): boolean {
  if (bytes === undefined || (size !== undefined && bytes.length !== size)) return false;
  if (size === undefined) writeLong(bytes.length, out);
  ensure(out, bytes.length);
  out.at += bytes.copy(out.buf, out.at);
  return true;
}
