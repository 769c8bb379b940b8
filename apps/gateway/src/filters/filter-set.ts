import { type StoredEvent, type TypeMatcher, typeMatcher } from '@heddle/event';
import { attributeOf } from './attribute-dialect.js';
import type { CompiledFilter } from './filter.js';

/** Members with one and the same filter. */
interface Group<Member> {
  filter: CompiledFilter;
  /** Whether being found in an index is enough to match. */
  isFound: boolean;
  members: readonly Member[];
}

/** Groups by the values of the attributes that their filters require. */
interface Index<Member> {
  attributes: readonly string[];
  byValues: Map<string, Group<Member>[]>;
}

/** Whether events of a topic and type are for a member at all; a namespace where they came by another than their tenant's. */
type IsFor = (topic: string, type: string, namespace: string | undefined) => boolean;

interface Selection {
  wants: TypeMatcher;
  isFor: IsFor | undefined;
  filter: CompiledFilter;
}

/** Kinds of event, by topic and type, that are remembered; events of foreign producers may bring types without end. */
const MAX_KINDS = 10_000;

/**
 * Who wants an event, of up to thousands that may. What an event costs grows with those it could be wanted by, not with
 * all: candidates are kept per topic and type, those who differ only in exact attribute values are found by one look-up,
 * and each distinct filter is evaluated at most once.
 */
export class FilterSet<Member> {
  #selections = new Map<Member, Selection>();
  #kinds = new Map<string, Map<string, Kind<Member>>>();
  #kindCount = 0;

  get size(): number {
    return this.#selections.size;
  }

  /**
   * Adds a member, or changes what it wants.
   *
   * @param types exact, or with a trailing wildcard
   * @param isFor asked once for each kind of event; everything is, when it is left out
   * @throws HeddleError `parameter-invalid` for a type pattern that is none
   */
  add(member: Member, types: readonly string[], filter: CompiledFilter, isFor?: IsFor): void {
    const selection = { wants: typeMatcher(types), isFor, filter };
    this.remove(member);
    this.#selections.set(member, selection);
    for (const [topic, kinds] of this.#kinds) {
      for (const kind of kinds.values()) if (isCandidate(selection, topic, kind)) kind.add(member, filter);
    }
  }

  remove(member: Member): void {
    const selection = this.#selections.get(member);
    if (selection === undefined) return;
    this.#selections.delete(member);
    for (const [topic, kinds] of this.#kinds) {
      for (const kind of kinds.values()) {
        if (isCandidate(selection, topic, kind)) kind.remove(member, selection.filter);
      }
    }
  }

  /** All members that want an event, each once, in no particular order. */
  match(event: StoredEvent): readonly Member[] {
    if (this.#selections.size === 0) return [];
    return this.#kindOf(event).match(event);
  }

  #kindOf({ topic, attributes: { type, namespace } }: StoredEvent): Kind<Member> {
    let kinds = this.#kinds.get(topic);
    const name = namespace === undefined ? type : `${type} ${namespace}`;
    let kind = kinds?.get(name);
    if (kind !== undefined) return kind;
    if (this.#kindCount >= MAX_KINDS) {
      this.#kinds.clear();
      this.#kindCount = 0;
      kinds = undefined;
    }
    if (kinds === undefined) this.#kinds.set(topic, (kinds = new Map()));
    kind = new Kind(type, namespace);
    for (const [member, selection] of this.#selections) {
      if (isCandidate(selection, topic, kind)) kind.add(member, selection.filter);
    }
    kinds.set(name, kind);
    this.#kindCount += 1;
    return kind;
  }
}

function isCandidate({ wants, isFor }: Selection, topic: string, { type, namespace }: Kind<unknown>): boolean {
  return wants(type) && (isFor === undefined || isFor(topic, type, namespace));
}

/** Who may want the events of one topic, type and namespace. */
class Kind<Member> {
  /** Replaced whenever it changes, never changed: it is handed out as it is. */
  #everything: readonly Member[] = [];
  #indexes: Index<Member>[] = [];
  #groups: Group<Member>[] = [];

  constructor(
    readonly type: string,
    readonly namespace: string | undefined,
  ) {}

  add(member: Member, filter: CompiledFilter): void {
    const { type, ...required } = filter.required;
    if (type !== undefined && type !== this.type) return;
    const attributes = Object.keys(required).sort();
    if (attributes.length === 0) {
      if (filter.isExact) this.#everything = [...this.#everything, member];
      else addTo(this.#groups, member, filter, false);
      return;
    }
    let index = this.#indexes.find((candidate) => isSame(candidate.attributes, attributes));
    if (index === undefined) this.#indexes.push((index = { attributes, byValues: new Map() }));
    const values = valuesOf(attributes, (name) => required[name]) ?? '';
    let groups = index.byValues.get(values);
    if (groups === undefined) index.byValues.set(values, (groups = []));
    addTo(groups, member, filter, filter.isExact);
  }

  remove(member: Member, filter: CompiledFilter): void {
    const { type, ...required } = filter.required;
    if (type !== undefined && type !== this.type) return;
    const attributes = Object.keys(required).sort();
    if (attributes.length === 0) {
      if (filter.isExact) this.#everything = this.#everything.filter((other) => other !== member);
      else removeFrom(this.#groups, member, filter);
      return;
    }
    const at = this.#indexes.findIndex((candidate) => isSame(candidate.attributes, attributes));
    const index = this.#indexes[at];
    const values = valuesOf(attributes, (name) => required[name]) ?? '';
    const groups = index?.byValues.get(values);
    if (index === undefined || groups === undefined) return;
    removeFrom(groups, member, filter);
    if (groups.length === 0) index.byValues.delete(values);
    if (index.byValues.size === 0) this.#indexes.splice(at, 1);
  }

  match(event: StoredEvent): readonly Member[] {
    const found = new Found(this.#everything);
    for (const { attributes, byValues } of this.#indexes) {
      const values = valuesOf(attributes, (name) => attributeOf(event.attributes, name));
      const groups = values === undefined ? undefined : byValues.get(values);
      if (groups !== undefined) takeMatching(groups, event, found);
    }
    takeMatching(this.#groups, event, found);
    return found.members;
  }
}

/** Collects lists of members; the first is handed on as it is, which is all there is for most events. */
class Found<Member> {
  #joined: Member[] | undefined;

  constructor(private first: readonly Member[]) {}

  get members(): readonly Member[] {
    return this.#joined ?? this.first;
  }

  add(members: readonly Member[]): void {
    if (this.#joined !== undefined) for (const member of members) this.#joined.push(member);
    else if (this.first.length === 0) this.first = members;
    else this.#joined = [...this.first, ...members];
  }
}

function takeMatching<Member>(groups: readonly Group<Member>[], event: StoredEvent, found: Found<Member>): void {
  for (const { filter, isFound, members } of groups) {
    if (isFound || filter.matches(event)) found.add(members);
  }
}

/** The values of attributes as one text that no other values have; nothing where one is missing. */
function valuesOf(names: readonly string[], valueOf: (name: string) => string | undefined): string | undefined {
  if (names.length === 1) return valueOf(names[0]!);
  let text = '';
  for (const name of names) {
    const value = valueOf(name);
    if (value === undefined) return undefined;
    text += `${value.length}:${value}`;
  }
  return text;
}

function addTo<Member>(groups: Group<Member>[], member: Member, filter: CompiledFilter, isFound: boolean): void {
  const group = groups.find((candidate) => candidate.filter.key === filter.key);
  if (group === undefined) groups.push({ filter, isFound, members: [member] });
  else group.members = [...group.members, member];
}

function removeFrom<Member>(groups: Group<Member>[], member: Member, filter: CompiledFilter): void {
  const at = groups.findIndex((candidate) => candidate.filter.key === filter.key);
  const group = groups[at];
  if (group === undefined) return;
  group.members = group.members.filter((other) => other !== member);
  if (group.members.length === 0) groups.splice(at, 1);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}
