import { HeddleError } from '@heddle/event';
import { PATTERN_RULE, covers, isPattern } from './pattern.js';

/**
 * What may be done: `publish` events of a type, or messages to a topic that no type knows, or to a queue by its name;
 * `consume` them from streams, or from queues of that name, or by the topics that a queue is made for; `fetch` the objects that a type is about; `replay` a queue and redrive its dead letters; `manage` queues with their webhooks,
 * clients, and tenants; see what is personal in a type's data (`unmask`).
 */
export const VERBS = ['publish', 'consume', 'fetch', 'replay', 'manage', 'unmask'] as const;

/** What a permission allows. */
export type Verb = (typeof VERBS)[number];

/** What it may be done to. */
export const KINDS = ['type', 'topic', 'queue', 'client', 'tenant', 'flow'] as const;

/** What a permission is about. */
export type Kind = (typeof KINDS)[number];

interface Permission {
  verb: Verb;
  kind: Kind;
  pattern: string;
}

/** Everything within a tenant. Tenants themselves are managed by whom that was given explicitly. */
const EVERYTHING = '*';
const MAX_PERMISSIONS = 100;

/**
 * What a client may do, as a list of `verb:kind:pattern`, such as `publish:type:sap.s4.beh.salesorder.*` or
 * `consume:queue:orders`; `*` alone is everything within the tenant. What is not listed is denied. The texts are also
 * the scopes of OAuth 2.0 (RFC 6749 §3.3).
 */
export class Permissions {
  static readonly none = new Permissions([], []);

  private constructor(
    /** As they were given, sorted. */
    readonly texts: readonly string[],
    private readonly list: readonly (Permission | typeof EVERYTHING)[],
  ) {}

  /** @throws HeddleError `permission-invalid`, naming the field and the rule */
  static of(texts: readonly string[], field = 'permissions'): Permissions {
    if (texts.length > MAX_PERMISSIONS) {
      throw new HeddleError('permission-invalid', `At most ${MAX_PERMISSIONS} permissions can be given.`, { field });
    }
    const unique = [...new Set(texts)].toSorted();
    return new Permissions(
      unique,
      unique.map((text) => parse(text, field)),
    );
  }

  /** Those of a scope, which separates them by spaces. */
  static ofScope(scope: string): Permissions {
    return Permissions.of(
      scope.split(' ').filter((text) => text !== ''),
      'scope',
    );
  }

  get scope(): string {
    return this.texts.join(' ');
  }

  /** Whether something may be done to what has this name; to everything that a pattern selects, when it is one. */
  allows(verb: Verb, kind: Kind, name: string): boolean {
    return this.list.some((permission) =>
      permission === EVERYTHING
        ? kind !== 'tenant'
        : permission.verb === verb && permission.kind === kind && covers(permission.pattern, name),
    );
  }

  /** Whether something may be done to anything of a kind at all: lists are filtered by name then. */
  allowsSome(verb: Verb, kind: Kind): boolean {
    return this.list.some((permission) =>
      permission === EVERYTHING ? kind !== 'tenant' : permission.verb === verb && permission.kind === kind,
    );
  }

  /** Whether all of these may be given by whom has the ones here. */
  covers(others: Permissions): boolean {
    return others.list.every((other) =>
      other === EVERYTHING ? this.list.includes(EVERYTHING) : this.allows(other.verb, other.kind, other.pattern),
    );
  }

  /** The patterns under which something may be done to a kind. */
  patterns(verb: Verb, kind: Kind): string[] {
    return this.list.flatMap((permission) => {
      if (permission === EVERYTHING) return kind === 'tenant' ? [] : ['*'];
      return permission.verb === verb && permission.kind === kind ? [permission.pattern] : [];
    });
  }
}

function parse(text: string, field: string): Permission | typeof EVERYTHING {
  if (text === EVERYTHING) return EVERYTHING;
  const [verb, kind, pattern, ...rest] = text.split(':');
  if (!isOneOf(VERBS, verb)) throw invalid(text, `begins with ${VERBS.join(', ')}, or is * alone`, field);
  if (!isOneOf(KINDS, kind)) throw invalid(text, `has ${KINDS.join(', ')} after ${verb}:`, field);
  if (pattern === undefined || rest.length > 0 || !isPattern(pattern)) {
    throw invalid(text, `ends with a pattern that ${PATTERN_RULE}`, field);
  }
  return { verb, kind, pattern };
}

function isOneOf<T extends string>(names: readonly T[], name: string | undefined): name is T {
  return names.includes(name as T);
}

function invalid(text: string, rule: string, field: string): HeddleError {
  return new HeddleError(
    'permission-invalid',
    `${JSON.stringify(text.slice(0, 120))} is no permission: one ${rule}. For example publish:type:sap.s4.beh.salesorder.*`,
    { field },
  );
}
