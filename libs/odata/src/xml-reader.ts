import { HeddleError } from '@heddle/event';
import sax from 'sax';
import { quoted, tooComplex } from './refusal.js';

/** An element as it was read: its name in its namespace, and what is in it. */
export interface XmlElement {
  space: string;
  name: string;
  attributes: readonly { space: string; name: string; value: string }[];
  children: XmlElement[];
  /** Of its own, without that of its children. */
  text: string;
}

/** Elements in elements, elements of one document, and characters of one tag, at most. */
const MAX_DEPTH = 40;
const MAX_ELEMENTS = 20_000;
const MAX_TAG = 32_768;
const CHUNK = 8192;
/** Of entities, the five that XML has by itself. */
const OPTIONS = { xmlns: true, strictEntities: true };

/**
 * The root of a document in UTF-8. Document types are not read: what entities make of a small document has no bounds.
 *
 * @throws HeddleError `body-invalid` naming the line, `too-complex`
 */
export function readXml(body: Buffer): XmlElement {
  const reader = new XmlReader();
  const text = textOf(body);
  for (let at = 0; at < text.length; at += CHUNK) reader.write(text.slice(at, at + CHUNK));
  return reader.end();
}

/** An attribute without a namespace, unless one is named. */
export function attributeOf({ attributes }: XmlElement, name: string, space = ''): string | undefined {
  return attributes.find((one) => one.name === name && one.space === space)?.value;
}

class XmlReader {
  readonly #parser = sax.parser(true, OPTIONS);
  readonly #open: XmlElement[] = [];
  #root: XmlElement | undefined;
  #elements = 0;

  constructor() {
    const parser = this.#parser;
    const add = (text: string): void => {
      const at = this.#open.at(-1);
      if (at !== undefined) at.text += text;
    };
    Object.assign(parser, {
      onerror: (error: Error) => {
        throw broken(`line ${parser.line + 1}: ${error.message.split('\n', 1)[0]}`);
      },
      ondoctype: () => {
        throw broken('it has a document type, which is not read');
      },
      onprocessinginstruction: ({ name, body }: { name: string; body: string }) => {
        const [, encoding] = /\bencoding\s*=\s*["']([^"']*)["']/.exec(name === 'xml' ? body : '') ?? [];
        if (encoding !== undefined && !/^utf-?8$/i.test(encoding))
          throw broken(`it says that it is in ${quoted(encoding)}, and only UTF-8 is read`);
      },
      onopentag: (tag: sax.QualifiedTag) => this.#opened(tag),
      onclosetag: () => void this.#open.pop(),
      ontext: add,
      oncdata: add,
    });
  }

  write(text: string): void {
    const parser = this.#parser;
    parser.write(text);
    // Its attributes are looked through for each of them: of a tag without an end, that is for ever.
    if (isInTag(parser) && parser.position - parser.startTagPosition > MAX_TAG)
      throw tooComplex('body', `may have ${MAX_TAG} characters in a tag at most`);
  }

  end(): XmlElement {
    this.#parser.close();
    if (this.#root === undefined) throw broken('there is no element');
    return this.#root;
  }

  #opened({ local, uri, attributes }: sax.QualifiedTag): void {
    this.#elements += 1;
    if (this.#elements > MAX_ELEMENTS) throw tooComplex('body', `may have ${MAX_ELEMENTS} elements at most`);
    if (this.#open.length === MAX_DEPTH) throw tooComplex('body', `may have elements ${MAX_DEPTH} deep at most`);
    const element: XmlElement = {
      space: uri,
      name: local,
      attributes: Object.values(attributes).map((one) => ({ space: one.uri, name: one.local, value: one.value })),
      children: [],
      text: '',
    };
    const parent = this.#open.at(-1);
    if (parent === undefined && this.#root !== undefined)
      throw broken('there are several elements outside of all others');
    if (parent === undefined) this.#root = element;
    else parent.children.push(element);
    this.#open.push(element);
  }
}

function isInTag({ tag }: { tag: unknown }): boolean {
  return tag !== null && tag !== undefined;
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new HeddleError('body-invalid', 'The body is not valid UTF-8.', { cause });
  }
}

function broken(why: string): HeddleError {
  return new HeddleError('body-invalid', `The body cannot be read as XML: ${why}.`);
}
