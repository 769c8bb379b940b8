import { HeddleError, fieldsInvalid } from '@heddle/event';

/** What JSON may be before anything is made of it. */
export interface JsonLimits {
  depth: number;
  /** Members of all objects together. */
  properties: number;
  /** Characters of one number; a longer one belongs into a string. */
  numberChars: number;
}

const [PLAIN, QUOTE, OPEN, CLOSE, COLON, NUMBER] = [0, 1, 2, 3, 4, 5];
const KINDS = new Uint8Array(256);
for (const [characters, kind] of [
  ['"', QUOTE],
  ['{[', OPEN],
  ['}]', CLOSE],
  [':', COLON],
  ['-0123456789', NUMBER],
] as const) {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind;
}
const [QUOTATION, BACKSLASH, UNDERSCORE, LETTER_C, LETTER_P] = [0x22, 0x5c, 0x5f, 0x63, 0x70];
const [DOT, PLUS, MINUS, LOWER_E, UPPER_E] = [0x2e, 0x2b, 0x2d, 0x65, 0x45];

/** Whether the object at a depth is what its parent has as `constructor`; used within one call only. */
let isConstructor = new Uint8Array(65);

/**
 * Holds JSON to limits in one pass over its bytes, so that what is refused was never parsed: what V8 parses in
 * milliseconds may take seconds, or the stack, to walk over. Keys that would reach a prototype are refused in any
 * spelling, too: `__proto__`, and `prototype` in a `constructor`. Whether it is JSON at all is left to the parser.
 *
 * @throws HeddleError `too-complex`; `body-invalid` for such a key
 */
export function checkJson(bytes: Uint8Array, limits: JsonLimits): void {
  const end = bytes.length;
  if (isConstructor.length <= limits.depth) isConstructor = new Uint8Array(limits.depth + 1);
  isConstructor[0] = 0;
  let depth = 0;
  let properties = 0;
  let textFrom = 0;
  let textTo = 0;
  let isEscaped = false;
  for (let at = 0; at < end; at += 1) {
    const kind = KINDS[bytes[at]!]!;
    if (kind === PLAIN) continue;
    if (kind === QUOTE) {
      textFrom = at + 1;
      isEscaped = false;
      for (at += 1; at < end; at += 1) {
        const byte = bytes[at]!;
        if (byte === QUOTATION) break;
        if (byte !== BACKSLASH) continue;
        isEscaped = true;
        at += 1;
      }
      textTo = at;
    } else if (kind === COLON) {
      properties += 1;
      if (properties > limits.properties) throw tooComplex(`has more than ${limits.properties} members`);
      isConstructor[depth] = 0;
      if (!isEscaped && !mayReachPrototype(bytes, textFrom, textTo)) continue;
      const key = keyOf(bytes, textFrom, textTo);
      if (key === '__proto__' || (key === 'prototype' && depth > 0 && isConstructor[depth - 1] === 1)) {
        throw new HeddleError('body-invalid', `The JSON has the key ${key}, which is kept for something else.`, {
          fields: [{ field: key, rule: 'is kept for something else' }],
        });
      }
      if (key === 'constructor') isConstructor[depth] = 1;
    } else if (kind === OPEN) {
      depth += 1;
      if (depth > limits.depth) throw tooComplex(`is nested deeper than ${limits.depth}`);
      isConstructor[depth] = 0;
    } else if (kind === CLOSE) {
      // Below nothing it is no JSON, which the parser will say.
      if (depth > 0) depth -= 1;
    } else {
      const begin = at;
      while (at + 1 < end && isOfNumber(bytes[at + 1]!)) at += 1;
      if (at + 1 - begin > limits.numberChars) {
        throw tooComplex(`has a number of more than ${limits.numberChars} characters; write it as a string`);
      }
    }
  }
}

/**
 * JSON within limits.
 *
 * @param field what `body-invalid` names, where the body is only a part of what was asked
 * @throws HeddleError `too-complex`, `body-invalid`
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits, field?: string): unknown {
  checkJson(bytes, limits);
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    throw new HeddleError('body-invalid', `The body is not JSON: ${(error as Error).message}.`, {
      ...(field === undefined ? {} : { field }),
    });
  }
}

/** By length and first letter, for hardly any key is one of those three. */
function mayReachPrototype(bytes: Uint8Array, from: number, to: number): boolean {
  const first = bytes[from];
  const length = to - from;
  if (length === 9) return first === UNDERSCORE || first === LETTER_P;
  return length === 11 && first === LETTER_C;
}

function keyOf(bytes: Uint8Array, from: number, to: number): string {
  // Longer than any of those three could be with every letter escaped.
  if (to - from > 6 * 11) return '';
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return '';
  }
}

function isOfNumber(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === DOT ||
    byte === MINUS ||
    byte === PLUS ||
    byte === LOWER_E ||
    byte === UPPER_E
  );
}

function tooComplex(rule: string): HeddleError {
  return fieldsInvalid([{ field: '', rule }], { code: 'too-complex', whole: 'The JSON' });
}
