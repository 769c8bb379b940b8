import { HeddleError } from '@heddle/event';

export interface JsonToXmlOptions {
  /** The name of an element that is put around everything; without it the document has exactly one member. */
  addRoot?: string | undefined;
}

/**
 * Names as XML 1.0 (§2.3) has them, without colons: a prefix that nothing declares would make the document one that
 * readers which know namespaces refuse.
 */
const START =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}-\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NAME = new RegExp(`^[${START}][${START}.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}-\\u{2040}-]*$`, 'u');
/** What XML 1.0 (§2.2) cannot have, in whatever way it is written. */
const IMPOSSIBLE = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Written as they are, readers would make spaces and line feeds of them (§2.11, §3.3.3).
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
const MAX_DEPTH = 200;

/**
 * JSON as an XML document. An object is an element's children, in their order; members whose names begin with `@` are its
 * attributes and stand before all others, and beside attributes alone `$` is its text. An array is its element several
 * times, null an element that is empty.
 *
 * @throws HeddleError `data-invalid`, naming the place and the rule, for what has no XML of these rules
 */
export function jsonToXml(json: unknown, { addRoot }: JsonToXmlOptions = {}): string {
  if (Array.isArray(json)) throw broken('', 'must be an object: an array cannot stand at the root');
  if (typeof json !== 'object' || json === null) throw broken('', 'must be an object');
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (addRoot !== undefined) return declaration + elements(addRoot, json, '', 0);
  const members = Object.entries(json);
  const [root] = members;
  if (root === undefined || members.length > 1) {
    throw broken('', `must have exactly one member, not ${members.length}; addRoot puts an element around them`);
  }
  const [name, value] = root as [string, unknown];
  if (name.startsWith('@') || name === '$') throw broken(name, 'must be an element: it is the root');
  if (Array.isArray(value)) throw broken(name, 'must not be an array: a document has one root');
  return declaration + elements(name, value, name, 0);
}

/** An element, or for an array one for each of its values. */
function elements(name: string, value: unknown, path: string, depth: number): string {
  if (!NAME.test(name)) throw broken(path === '' ? name : path, `${JSON.stringify(name)} is no name in XML`);
  if (depth > MAX_DEPTH) throw broken(path, `is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    return value
      .map((one: unknown, index) => {
        const place = `${path}.${index}`;
        if (Array.isArray(one)) throw broken(place, 'must not be an array in an array: its elements have no name');
        return elements(name, one, place, depth);
      })
      .join('');
  }
  const { attributes, content } =
    typeof value === 'object' && value !== null
      ? partsOf(value, path, depth)
      : { attributes: '', content: text(value, path) };
  return content === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

function partsOf(value: object, path: string, depth: number): { attributes: string; content: string } {
  let attributes = '';
  let content = '';
  let elementBefore: string | undefined;
  const members = Object.entries(value) as [string, unknown][];
  const isText = members.some(([name]) => name === '$') && members.every(([name]) => name === '$' || name[0] === '@');
  for (const [name, member] of members) {
    const place = path === '' ? name : `${path}.${name}`;
    if (name.startsWith('@')) {
      if (elementBefore !== undefined) throw broken(place, `is an attribute and must stand before ${elementBefore}`);
      attributes += attribute(name.slice(1), member, place);
    } else {
      elementBefore = name;
      content += isText ? text(member, place) : elements(name, member, place, depth + 1);
    }
  }
  return { attributes, content };
}

function attribute(name: string, value: unknown, place: string): string {
  // Of names that begin so, XML keeps the meaning to itself (Namespaces in XML §3).
  if (!NAME.test(name) || name === 'xmlns') throw broken(place, `${JSON.stringify(name)} is no name of an attribute`);
  if (typeof value === 'object' && value !== null) throw broken(place, 'must be a text, a number, a boolean or null');
  return ` ${name}="${text(value, place)}"`;
}

function text(value: unknown, place: string): string {
  if (typeof value === 'object' && value !== null) throw broken(place, 'must be a text, a number, a boolean or null');
  const written = value === null ? '' : String(value as string | number | boolean);
  if (IMPOSSIBLE.test(written)) throw broken(place, 'has a character that XML cannot have');
  return written.replaceAll(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}

function broken(field: string, rule: string): HeddleError {
  return new HeddleError('data-invalid', `${field === '' ? 'The JSON' : field} ${rule}.`, { field });
}
