import { HeddleError } from '@heddle/event';
import { parseDecimal } from './decimal.js';
import { bytesOf, floatOf, isUuid, longOf } from './json-forms.js';
import { MICROS, MILLIS, parseDate, parseTime, parseTimestamp } from './moment.js';
import { jsonKindsOf } from './schema-rules.js';
import type { AvroLimits } from './byte-walker.js';
import type { FixedNode, PrimitiveNode, RecordNode, SchemaNode } from './schema-tree.js';

const MAX_PROBLEMS = 20;
const MAX_NAMED = 60;

/** What is wrong so far, and where the check stands. One per check of a value. */
class Findings {
  readonly path: (string | number)[] = ['data'];
  readonly found: { field: string; rule: string }[] = [];
  items = 0;

  add(rule: string, below?: string): void {
    if (this.found.length >= MAX_PROBLEMS) return;
    const path = below === undefined ? this.path : [...this.path, below.slice(0, MAX_NAMED)];
    this.found.push({ field: path.join('.'), rule });
  }
}

type Check = (value: unknown, findings: Findings) => void;

/**
 * Compiles the check of data in its JSON form: every field is known and given, every value fits its type, its length
 * and the limits. It throws `data-invalid` naming the path of each field that is wrong.
 */
export function dataCheck(tree: SchemaNode, limits: AvroLimits): (data: unknown) => void {
  const check = new CheckCompiler(limits).compile(tree);
  return (data) => {
    const findings = new Findings();
    check(data, findings);
    if (findings.found.length > 0) throw dataInvalid(findings.found);
  };
}

function dataInvalid(found: readonly { field: string; rule: string }[]): HeddleError {
  const [first] = found;
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : '';
  return new HeddleError('data-invalid', `${first?.field ?? 'data'} ${first?.rule ?? 'is wrong'}${more}.`, {
    fields: found,
  });
}

class CheckCompiler {
  readonly #records = new Map<string, Check>();
  readonly #limits: AvroLimits;

  constructor(limits: AvroLimits) {
    this.#limits = limits;
  }

  compile(node: SchemaNode): Check {
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
        const symbols = new Set<unknown>(node.symbols);
        const rule = `must be one of ${node.symbols.join(', ')}`.slice(0, 300);
        return (value, findings) => void (symbols.has(value) || findings.add(rule));
      }
      default:
        return scalarCheck(node);
    }
  }

  #record(node: RecordNode): Check {
    const known = this.#records.get(node.name);
    if (known !== undefined) return known;
    const { depth } = this.#limits;
    const fields: { name: string; required: boolean; check: Check }[] = [];
    const names = new Set(node.fields.map((field) => field.name));
    const shortName = node.name.slice(node.name.lastIndexOf('.') + 1);
    const check: Check = (value, findings) => {
      if (!isObject(value)) return findings.add('must be an object');
      if (findings.path.length > depth) return findings.add(`is nested deeper than ${depth}`);
      const at = findings.path.length;
      let given = 0;
      for (let i = 0; i < fields.length; i += 1) {
        const field = fields[i] as (typeof fields)[number];
        const part = value[field.name];
        if (part === undefined) {
          if (field.required) findings.add('is required', field.name);
          if (Object.hasOwn(value, field.name)) given += 1;
          continue;
        }
        given += 1;
        findings.path[at] = field.name;
        field.check(part, findings);
        findings.path.length = at;
      }
      if (Object.keys(value).length === given) return;
      for (const name of Object.keys(value)) if (!names.has(name)) findings.add(`is not a field of ${shortName}`, name);
    };
    this.#records.set(node.name, check);
    for (const field of node.fields) {
      fields.push({ name: field.name, required: field.default === undefined, check: this.compile(field.type) });
    }
    return check;
  }

  #array(item: Check): Check {
    return (value, findings) => {
      if (!Array.isArray(value)) return findings.add('must be a list');
      if (!this.#admits(value.length, findings)) return;
      const at = findings.path.length;
      for (let i = 0; i < value.length; i += 1) {
        findings.path[at] = i;
        item(value[i], findings);
      }
      findings.path.length = at;
    };
  }

  #map(entry: Check): Check {
    return (value, findings) => {
      if (!isObject(value)) return findings.add('must be an object');
      const keys = Object.keys(value);
      if (!this.#admits(keys.length, findings)) return;
      const at = findings.path.length;
      for (const key of keys) {
        if (key === '__proto__' || !key.isWellFormed()) findings.add('is not allowed as a key', key);
        findings.path[at] = key.slice(0, MAX_NAMED);
        entry(value[key], findings);
      }
      findings.path.length = at;
    };
  }

  /** Counts items and depth; the path has one part for each level. */
  #admits(count: number, findings: Findings): boolean {
    findings.items += count;
    if (findings.items > this.#limits.items) findings.add(`brings the data past ${this.#limits.items} items`);
    else if (findings.path.length > this.#limits.depth) findings.add(`is nested deeper than ${this.#limits.depth}`);
    else return true;
    return false;
  }

  #union(branches: readonly SchemaNode[]): Check {
    const byKind = new Map<string, Check>();
    for (const branch of branches) {
      if (branch.kind === 'union') continue;
      const check = branch.kind === 'null' ? () => undefined : this.compile(branch);
      for (const kind of jsonKindsOf(branch)) byKind.set(kind, check);
    }
    // NaN and the infinities, where no other branch is a string.
    const float = branches.find((branch) => branch.kind === 'float' || branch.kind === 'double');
    if (float !== undefined && !byKind.has('string')) byKind.set('string', this.compile(float));
    const rule = `must be ${[...byKind.keys()].join(' or ')}`;
    return (value, findings) => {
      const check = byKind.get(kindOf(value));
      if (check === undefined) findings.add(rule);
      else check(value, findings);
    };
  }
}

/** The check of what has no parts. Each rule is worded to follow the field's name. */
function scalarCheck(node: PrimitiveNode | FixedNode): Check {
  if (node.logical !== undefined) return logicalCheck(node, node.logical);
  switch (node.kind) {
    case 'null':
      return (value, findings) => void (value === null || findings.add('must be null'));
    case 'boolean':
      return (value, findings) => void (typeof value === 'boolean' || findings.add('must be true or false'));
    case 'int':
      return (value, findings) => void (isInt(value) || findings.add('must be a whole number of 32 bits'));
    case 'long':
      return (value, findings) =>
        void (
          longOf(value) !== undefined || findings.add('must be a whole number of 64 bits, beyond 2^53 as a string')
        );
    case 'float':
    case 'double':
      return (value, findings) => void (floatOf(value) !== undefined || findings.add('must be a number'));
    case 'bytes':
      return (value, findings) => void (bytesOf(value) !== undefined || findings.add('must be bytes in base64'));
    case 'fixed':
      return (value, findings) =>
        void (bytesOf(value)?.length === node.size || findings.add(`must be ${node.size} bytes in base64`));
    case 'string':
      return stringCheck(node.maxLength ?? Number.POSITIVE_INFINITY);
  }
}

function stringCheck(maxLength: number): Check {
  return (value, findings) => {
    if (typeof value !== 'string') return findings.add('must be a string');
    // UTF-16 units are never fewer than characters.
    if (value.length > maxLength && Array.from(value).length > maxLength) {
      findings.add(`must have at most ${maxLength} ${maxLength === 1 ? 'character' : 'characters'}`);
    }
    if (!value.isWellFormed()) findings.add('must not have half of a surrogate pair');
  };
}

function logicalCheck(node: PrimitiveNode | FixedNode, logical: string): Check {
  const parse = parserOf(node, logical);
  return (value, findings) => {
    const parsed = parse(typeof value === 'string' ? value : '');
    if (typeof parsed === 'string') findings.add(parsed);
  };
}

/** Answers with the rule that is broken, as a string. */
function parserOf(node: PrimitiveNode | FixedNode, logical: string): (text: string) => unknown {
  const unit = logical.endsWith('micros') ? MICROS : MILLIS;
  switch (logical) {
    case 'decimal':
      return (text) => parseDecimal(text, node.precision ?? 1, node.scale ?? 0);
    case 'uuid':
      return (text) => (isUuid(text) ? true : 'must be a UUID');
    case 'date':
      return parseDate;
    case 'time-millis':
    case 'time-micros':
      return (text) => parseTime(text, unit);
    default:
      return (text) => parseTimestamp(text, unit, logical.startsWith('local'));
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isInt(value: unknown): boolean {
  return typeof value === 'number' && value === (value | 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
