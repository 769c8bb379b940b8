/** Chance, as far as it is needed: a whole number below a bound. */
export type Below = (bound: number) => number;

/** JSON of a schema, open to being changed. */
export type Json = string | Json[] | { [property: string]: unknown };

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
const LOGICALS: Record<string, readonly string[]> = {
  int: ['date', 'time-millis'],
  long: ['timestamp-millis', 'timestamp-micros', 'local-timestamp-millis', 'time-micros'],
  string: ['uuid'],
};
const FIELD_NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const SYMBOLS = ['RED', 'GREEN', 'BLUE', 'GREY'];
const NAMESPACES = ['n.one', 'n.two'];
const MAX_DEPTH = 4;

/** Makes schemas of every kind there is; names are defined once and may be referred to again. */
export class SchemaMaker {
  #named: string[] = [];
  #count = 0;

  constructor(readonly below: Below) {}

  /** A record in a namespace, as events are. */
  record(): Json {
    this.#named = [];
    this.#count = 0;
    return this.#record(0, true);
  }

  type(depth: number): Json {
    const kind = this.below(depth >= MAX_DEPTH ? 4 : 12);
    if (kind < 4) return this.#primitive();
    if (kind < 6) return this.#union(depth);
    if (kind === 6) return { type: 'array', items: this.type(depth + 1) };
    if (kind === 7) return { type: 'map', values: this.type(depth + 1) };
    if (kind === 8) return this.#enum();
    if (kind === 9) return this.#fixed();
    if (kind === 10 && this.#named.length > 0) return this.one(this.#named);
    return this.#record(depth, false);
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  field(name: string, depth: number): { [property: string]: unknown } {
    return { name, type: this.type(depth) };
  }

  decimal(): { [property: string]: unknown } {
    const precision = 1 + this.below(6);
    return { type: 'bytes', logicalType: 'decimal', precision, scale: this.below(precision + 1) };
  }

  #primitive(): Json {
    if (this.below(6) === 0) return this.decimal();
    const type = this.one(PRIMITIVES);
    const logicals = LOGICALS[type];
    return logicals === undefined || this.below(2) > 0 ? type : { type, logicalType: this.one(logicals) };
  }

  /** At most one branch of each kind that has no name: so the specification asks. */
  #union(depth: number): Json {
    const branches = new Map<string, Json>();
    for (let n = 1 + this.below(3); n >= 0; n -= 1) {
      const branch = this.below(4) === 0 ? 'null' : this.type(depth + 1);
      if (!Array.isArray(branch)) branches.set(kindOf(branch), branches.get(kindOf(branch)) ?? branch);
    }
    return branches.size === 0 ? 'null' : [...branches.values()];
  }

  #record(depth: number, isOutermost: boolean): Json {
    const name = isOutermost ? 'Event' : this.#name('R');
    const namespace = isOutermost || this.below(4) === 0 ? { namespace: this.one(NAMESPACES) } : {};
    const scope = 'namespace' in namespace ? `${namespace.namespace}.` : '';
    // Without a namespace of its own it has that around it, which is not known here: it is not referred to by name.
    if (scope !== '') this.#named.push(scope + name);
    const fields = FIELD_NAMES.slice(0, 1 + this.below(isOutermost ? 5 : 3)).map((field) =>
      this.field(field, depth + 1),
    );
    return { type: 'record', ...namespace, name, fields };
  }

  #enum(): Json {
    const symbols = SYMBOLS.filter(() => this.below(3) > 0);
    const [first = 'RED'] = symbols;
    const all = symbols.length === 0 ? [first] : symbols;
    return { type: 'enum', name: this.#name('E'), symbols: all, ...(this.below(2) === 0 ? { default: first } : {}) };
  }

  #fixed(): Json {
    const size = 1 + this.below(8);
    const logical = this.below(4) === 0 ? { logicalType: 'decimal', precision: size, scale: this.below(size) } : {};
    return { type: 'fixed', name: this.#name('F'), size, ...logical };
  }

  #name(letter: string): string {
    this.#count += 1;
    return `${letter}${this.#count}`;
  }
}

/** What tells branches of a union apart: the type, or the name. */
function kindOf(type: Json): string {
  if (typeof type === 'string') return type;
  const named = Array.isArray(type) ? undefined : (type['name'] ?? type['type']);
  return typeof named === 'string' ? named : JSON.stringify(type);
}
