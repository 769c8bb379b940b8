import type { SchemaFile } from './schema-files.js';
import { HEADING, commentOf, nameLine, propertyName, quoted } from './typescript-text.js';

/** What the generated file of a business object exports. */
export interface GeneratedObject {
  object: string;
  /** The map from event type to data. */
  map: string;
  /** The object of constants, and the type of its values. */
  constants: string;
  /** Interfaces and enums. */
  types: readonly string[];
}

/** The event types of a business object as a const object: `SalesOrderEvent.Created`. */
export function constantsOf(object: string, name: string, members: readonly SchemaFile[]): string {
  const types = members.map(({ description }) => description);
  const names = types.map(({ type }) =>
    constantName(
      type,
      types.map((each) => each.type),
    ),
  );
  const entries = types.map(
    ({ type, summary }, index) =>
      `  /** ${commentOf(summary)} */\n  ${propertyName(names[index] as string)}: ${quoted(type)},`,
  );
  const doc = `/** The event types of ${object}, to be named in code: \`@EventPattern(${name}.${names[0]})\`. */`;
  return `${doc}\nexport const ${name} = {\n${entries.join('\n')}\n} as const;\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];`;
}

/** Its action, with what tells it apart in front where two actions have one name, and a version behind from the second. */
function constantName(type: string, all: readonly string[]): string {
  const short = actionOf(type, 1);
  return all.filter((other) => actionOf(other, 1) === short).length > 1 ? actionOf(type, 2) : short;
}

function actionOf(type: string, parts: number): string {
  const [version = 'v1', ...names] = type.split('.').toReversed();
  const name = names.slice(0, parts).toReversed().map(pascalCase).join('');
  return version === 'v1' ? name : name + version.toUpperCase();
}

/** `catalogue.generated.ts`: what is known of each event type without a registry. */
export function catalogueOf(files: readonly SchemaFile[]): string {
  const entries = files.map(({ description }) => {
    const { type, object, topic, key, owner, fetch, summary } = description;
    const properties = Object.entries({ object, topic, key, owner, fetch, summary })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `    ${name}: ${quoted(String(value))},`);
    return `  ${quoted(type)}: {\n${properties.join('\n')}\n  },`;
  });
  return `${HEADING}

/** Each event type: its business object, its topic, the field of its data with the key, who alone raises it, and where its object is fetched. */
export const CATALOGUE = {
${entries.join('\n')}
} as const;
`;
}

/** `index.ts`: every name of every business object, and the map of all event types. */
export function indexOf(objects: readonly GeneratedObject[]): string {
  const taken = new Set<string>();
  const lines = objects.flatMap(({ object, map, constants, types }) => {
    const from = `./${object}/${object}.generated.js`;
    const names = [map, ...types].toSorted().map((name) => {
      // Two objects may have a type of one name: the later one is called after its object, too.
      const isTaken = taken.has(name);
      taken.add(name);
      return isTaken ? `${name} as ${pascalCase(object)}${name}` : name;
    });
    return [`export { ${constants} } from '${from}';`, nameLine('export type', names, from)];
  });
  const imports = objects.map(({ object, map }) => `import type { ${map} } from './${object}/${object}.generated.js';`);
  const all = objects.map(({ map }) => map).join(' & ') || 'Record<never, never>';
  return `${HEADING}
${imports.join('\n')}

export { CATALOGUE } from './catalogue.generated.js';
${lines.join('\n')}

/** The data of every event type there is. */
export type MeshEvents = ${all};

/** Every event type there is. */
export type MeshEventType = keyof MeshEvents;
`;
}

export function pascalCase(words: string): string {
  return words.replaceAll(/(?:^|[-._])(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
