/** What the header of a name said last, as long as it says the same in record after record. */
interface Last {
  bytes: Buffer;
  text: string;
  misses: number;
}

/** Names come in from outside: what is remembered of them is bounded. */
const MAX_NAMES = 64;
/** A header that has said something else so often is not compared any more: it is an id, a time, a key. */
const MAX_MISSES = 16;
const MAX_KEPT_BYTES = 256;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const lasts = new Map<string, Last>();

/**
 * The text of a header. Source, type and content type are the same in nearly every record of a topic: they are compared,
 * which costs less than making their string once more.
 *
 * @throws TypeError for what is not UTF-8
 */
export function headerText(name: string, bytes: Buffer): string {
  const last = lasts.get(name);
  if (last === undefined) {
    const text = utf8Text(bytes);
    if (lasts.size < MAX_NAMES && bytes.length <= MAX_KEPT_BYTES) {
      lasts.set(name, { bytes: Buffer.from(bytes), text, misses: 0 });
    }
    return text;
  }
  if (last.misses > MAX_MISSES) return utf8Text(bytes);
  if (isSame(bytes, last.bytes)) return last.text;
  const text = utf8Text(bytes);
  last.misses += 1;
  if (bytes.length <= MAX_KEPT_BYTES) {
    last.bytes = Buffer.from(bytes);
    last.text = text;
  }
  return text;
}

/** Short ASCII is most of what travels; the strict decoder is for the rest. */
export function utf8Text(bytes: Buffer): string {
  let all = 0;
  for (let index = 0; index < bytes.length; index += 1) all |= bytes[index] as number;
  return all > 127 ? utf8.decode(bytes) : bytes.toString('latin1');
}

/** From the end: what differs differs there. */
function isSame(one: Buffer, other: Buffer): boolean {
  if (one.length !== other.length) return false;
  for (let index = one.length - 1; index >= 0; index -= 1) if (one[index] !== other[index]) return false;
  return true;
}

const attributes = new Map<string, string>();

/** The name of an attribute whose header begins with a prefix of that length: one string for all records. */
export function attributeOf(header: string, prefixLength: number): string {
  let name = attributes.get(header);
  if (name === undefined) {
    name = header.slice(prefixLength);
    if (attributes.size < MAX_NAMES) attributes.set(header, name);
  }
  return name;
}
