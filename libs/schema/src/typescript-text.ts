export const HEADING = '// Generated from the .avsc files by `npm run schemas`; not to be changed by hand.';

/** As wide as Prettier leaves a line. */
const LINE = 120;

export function commentOf(text: string): string {
  return text.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ').trim();
}

/** The parts of a union type behind its `=`, on one line while they fit beside what stands in front. */
export function alternatives(parts: readonly string[], before = 60): string {
  const line = ` ${parts.join(' | ')}`;
  return before + line.length <= LINE ? line : parts.map((part) => `\n  | ${part}`).join('');
}

/** An import or export of names, on one line while it fits. */
export function nameLine(keyword: string, names: readonly string[], from: string): string {
  const line = `${keyword} { ${names.join(', ')} } from '${from}';`;
  return line.length <= LINE
    ? line
    : `${keyword} {\n${names.map((name) => `  ${name},`).join('\n')}\n} from '${from}';`;
}

/** A property name, in quotes where it needs them. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : quoted(name);
}

export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
