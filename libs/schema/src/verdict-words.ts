import type { PlacedFinding, SchemaVerdict } from './check-schemas.js';
import type { EventReader } from './event-readers.js';

/** What is broken at one place, by whichever versions. */
export interface Breach {
  path: string;
  line: number;
  rule: string;
  versions: number[];
  direction: 'backward' | 'forward';
  /** A whole sentence: which field, which version, whom it breaks. */
  words: string;
}

/** What the mode forbids of a verdict, one for each field and direction; who is broken is in the words. */
export function breachesOf(verdict: SchemaVerdict): Breach[] {
  const groups = Map.groupBy(
    verdict.findings.filter(({ breaking }) => breaking),
    ({ path, rule, direction, message }) => JSON.stringify([path, rule, direction, message]),
  );
  return [...groups.values()].map((findings) => {
    const { path, line, rule, direction } = findings[0] as PlacedFinding;
    const versions = findings.map(({ version }) => version);
    const words = `${shortTypeOf(verdict.type)} v${(verdict.latest ?? 0) + 1} ${deedOf(findings[0] as PlacedFinding)}: ${consequenceOf(direction, versions)}${readerWords(verdict.readers)}.`;
    return { path, line, rule, versions, direction, words };
  });
}

function deedOf({ path, rule, direction, message }: PlacedFinding): string {
  const field = path.slice(path.indexOf('.') + 1);
  if (rule === 'default-missing')
    return direction === 'backward' ? `adds ${field} without a default` : `takes away ${field}, which had no default`;
  return path === 'data' ? `is another type (${message})` : `changes ${field} (${message})`;
}

function consequenceOf(direction: 'backward' | 'forward', versions: readonly number[]): string {
  const which = `version${versions.length === 1 ? '' : 's'} ${listed(versions.map(String))}`;
  return direction === 'forward'
    ? `whoever reads with ${which} cannot read what is written with it`
    : `whoever reads with it cannot read what ${which} wrote, as in a replay`;
}

function readerWords(readers: readonly EventReader[] | undefined): string {
  if (readers === undefined) return '';
  if (readers.length === 0) return '; no queue and no service reads it now';
  const names = readers.map(({ kind, name }) => `${kind} ${name}`);
  return `; ${listed(names)} read${names.length === 1 ? 's' : ''} it`;
}

/** `a, b and c` */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function shortTypeOf(type: string): string {
  return type.split('.').slice(-3, -1).join('.');
}
