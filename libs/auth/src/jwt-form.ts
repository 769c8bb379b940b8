import { MAX_TOKEN, tokenInvalid } from './bearer.js';

/** The two readable parts of a token, of which nothing is believed yet. */
export interface JwtForm {
  header: Readonly<Record<string, unknown>>;
  claims: Readonly<Record<string, unknown>>;
}

const FORM = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
/** What would let a token say how it is to be checked, or that it is something else than it looks like. */
const NOT_IN_HEADERS = ['crit', 'jku', 'jwk', 'x5u', 'x5c', 'b64', 'zip', 'cty', 'enc'] as const;
const MAX_DEPTH = 8;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the form of a token (RFC 7519, in the compact serialization of RFC 7515) as narrowly as it can be written: one
 * spelling of each part, UTF-8, no name twice, no header that points to a key or asks for an extension.
 *
 * @throws HeddleError `token-invalid`
 */
export function readForm(token: string): JwtForm {
  if (token.length > MAX_TOKEN) throw tokenInvalid(`it is longer than ${MAX_TOKEN} characters`);
  const [, header = '', claims = '', signature = ''] = FORM.exec(token) ?? [];
  if (signature === '') throw tokenInvalid('it is no signed JSON web token');
  bytesOf(signature);
  const form = { header: objectOf(bytesOf(header)), claims: objectOf(bytesOf(claims)) };
  for (const name of NOT_IN_HEADERS) {
    if (Object.hasOwn(form.header, name)) throw tokenInvalid(`its header has ${name}`);
  }
  return form;
}

/** Base64url in its one canonical spelling (RFC 4648 §3.5): no other text means the same bytes. */
function bytesOf(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw tokenInvalid('it is not written in base64url');
  return bytes;
}

function objectOf(bytes: Buffer): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    checkNames(text);
    value = JSON.parse(text);
  } catch (cause) {
    throw tokenInvalid('it has no readable JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw tokenInvalid('it has no JSON object');
  return value as Record<string, unknown>;
}

/**
 * Two members of one name would be two tokens to two readers (RFC 8725 §2.4); depth is bounded before anything recurs.
 * What is no JSON in other ways is left to the parser.
 */
function checkNames(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > MAX_DEPTH) throw new RangeError('too deep');
    } else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names !== undefined && isName(text, end + 1)) {
        const name = JSON.parse(text.slice(at, end + 1)) as string;
        if (names.has(name) || name === '__proto__') throw new RangeError('a name that is there twice, or is special');
        names.add(name);
      }
      at = end;
    }
  }
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  throw new RangeError('a string without end');
}

/** Whether a colon follows: then the string before it is the name of a member. */
function isName(text: string, from: number): boolean {
  let at = from;
  while (' \t\r\n'.includes(text[at] ?? '.')) at += 1;
  return text[at] === ':';
}
