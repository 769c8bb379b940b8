import { type EntityModel, type NavigationModel, type ServiceModel, own } from './model.js';
import { MAX_EXPAND_DEPTH, type QueryOptions } from './query-options.js';
import { quoted, refusal, tooComplex } from './refusal.js';

/** What of an entity is answered with: properties, ways that are only named, and ways whose entities come along. */
export interface Projection<S> {
  entity: EntityModel<S>;
  properties: readonly string[];
  deferred: readonly string[];
  expanded: readonly Expanded<S>[];
}

export interface Expanded<S> {
  name: string;
  navigation: NavigationModel;
  projection: Projection<S>;
}

type Paths = readonly (readonly string[])[];

const MAX_EXPANDED = 20;

/** @throws HeddleError `parameter-invalid` for what the entity does not have, `too-complex` */
export function projectionOf<S>(
  service: ServiceModel<S>,
  entity: EntityModel<S>,
  { select, expand }: Pick<QueryOptions, 'select' | 'expand'>,
): Projection<S> {
  for (const path of expand) {
    if (path.length > MAX_EXPAND_DEPTH) throw tooComplex('$expand', `may go ${MAX_EXPAND_DEPTH} deep at most`);
    if (path.includes('*')) throw refusal('$expand', 'names each of what it expands');
  }
  let count = 0;
  const project = (at: EntityModel<S>, selected: Paths | undefined, ways: Paths): Projection<S> => {
    mustHave(at, selected ?? [], ways);
    const isAll = selected === undefined || selected.some(([first]) => first === '*');
    const names = new Set((selected ?? []).map(([first = '']) => first));
    const isWanted = (name: string): boolean => isAll || names.has(name);
    const expandedNames = new Set(ways.map(([first = '']) => first));
    const expanded: Expanded<S>[] = [];
    for (const [name, navigation] of Object.entries(at.navigations ?? {})) {
      // What is expanded and not selected is not answered with.
      if (!expandedNames.has(name) || !isWanted(name)) continue;
      count += 1;
      if (count > MAX_EXPANDED) throw tooComplex('$expand', `may name ${MAX_EXPANDED} at most`);
      const below = selectedBehind(selected, name);
      const target = service.entities[navigation.to]!;
      expanded.push({ name, navigation, projection: project(target, below, behind(ways, name)) });
    }
    const taken = new Set(expanded.map(({ name }) => name));
    return {
      entity: at,
      properties: Object.keys(at.properties).filter(isWanted),
      deferred: Object.keys(at.navigations ?? {}).filter((name) => !taken.has(name) && isWanted(name)),
      expanded,
    };
  };
  return project(entity, select, expand);
}

/** What is selected behind a way; everything when the way itself is, or nothing behind it is said. */
function selectedBehind(selected: Paths | undefined, name: string): Paths | undefined {
  const isWhole = selected?.some((path) => path.length === 1 && path[0] === name) ?? true;
  const paths = isWhole ? [] : behind(selected ?? [], name);
  return paths.length === 0 ? undefined : paths;
}

function behind(paths: Paths, name: string): Paths {
  return paths.filter(([first, ...rest]) => first === name && rest.length > 0).map(([, ...rest]) => rest);
}

function mustHave<S>(entity: EntityModel<S>, selected: Paths, ways: Paths): void {
  for (const [first = '', ...rest] of ways) {
    if (own(entity.navigations, first) !== undefined) continue;
    throw refusal('$expand', `${entity.name} has no navigation ${quoted([first, ...rest].join('/'))}`);
  }
  for (const [first = '', ...rest] of selected) {
    const isThere =
      first === '*' ||
      own(entity.navigations, first) !== undefined ||
      (own(entity.properties, first) !== undefined && rest.length === 0);
    if (!isThere) throw refusal('$select', `${entity.name} has no property ${quoted([first, ...rest].join('/'))}`);
    const isOpen = rest.length === 0 || ways.some(([way]) => way === first);
    if (!isOpen)
      throw refusal('$select', `${quoted([first, ...rest].join('/'))} is behind a navigation that is not expanded`);
  }
}
