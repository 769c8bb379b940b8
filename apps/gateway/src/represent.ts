import {
  AVRO_CONTENT_TYPE,
  JSON_CONTENT_TYPE,
  type StoredEvent,
  isRawMessage,
  isRawTopic,
  rawContentOf,
} from '@heddle/event';

/** One way to write an event for receivers. The bytes are made once per event and shared by all who want this form. */
export interface Form {
  name: string;
  encode(event: DispatchedEvent): Buffer;
}

/** Hides what is personal in an event; gives back the event itself where nothing of it is. */
export interface Mask {
  masked(stored: StoredEvent): StoredEvent;
}

/** An event on its way to receivers, with every form of it that has been asked for so far. */
export class DispatchedEvent {
  /** The first form asked for, which is the only one of most events. */
  #form: Form | undefined;
  #bytes: Buffer | undefined;
  #others: Map<Form, Buffer> | undefined;
  #masked: DispatchedEvent | undefined;

  /**
   * @param number counts the events of this process in the order they were read from the log
   * @param token resumes a stream right after this event
   * @param baseUrl of the gateway, without a slash at its end; references are made absolute with it
   */
  constructor(
    readonly stored: StoredEvent,
    readonly number: number,
    readonly token: string,
    readonly baseUrl: string,
  ) {}

  /** The bytes of this event in a form. */
  as(form: Form): Buffer {
    if (form === this.#form) return this.#bytes!;
    let bytes = this.#others?.get(form);
    if (bytes !== undefined) return bytes;
    bytes = form.encode(this);
    if (this.#form === undefined) {
      this.#form = form;
      this.#bytes = bytes;
    } else (this.#others ??= new Map()).set(form, bytes);
    return bytes;
  }

  /**
   * The structured JSON event (CloudEvents JSON format 1.0.2) without its closing brace, so that doors may add to it. Not
   * kept: most events are handed out once, and the forms that many share keep their bytes.
   */
  get openJson(): string {
    return openJson(this.stored, this.baseUrl);
  }

  /** The same with the bytes of a raw message as they were published, JSON or not: as instances hand it to each other. */
  get exactJson(): string {
    return openJson(this.stored, this.baseUrl, true);
  }

  /** Of its data, as it is handed out in binary mode. */
  get contentType(): string {
    return contentTypeOf(this.stored);
  }

  /** The event for those who may not see what is personal, shared between them too; itself where nothing of it is. */
  masked(mask: Mask): DispatchedEvent {
    if (this.#masked !== undefined) return this.#masked;
    const stored = mask.masked(this.stored);
    this.#masked = stored === this.stored ? this : new DispatchedEvent(stored, this.number, this.token, this.baseUrl);
    return this.#masked;
  }
}

/** Beside the bytes of a state, what keeping it takes. */
const STATE_OVERHEAD_BYTES = 200;

/** The state of the object that an event speaks of, as its owner answered; shared between all who get it. */
export class ObjectState {
  /** Of memory, near enough for a bound. */
  readonly bytes: number;

  /** @param object its JSON; undefined when the object is deleted */
  constructor(
    readonly version: number,
    private readonly object: string | undefined,
  ) {
    this.bytes = STATE_OVERHEAD_BYTES + (object === undefined ? 0 : Buffer.byteLength(object));
  }

  /** `{"version":"7","object":…}`, or of a deleted object `{"version":"8","gone":true}`. */
  get json(): string {
    const object = this.object === undefined ? '"gone":true' : `"object":${this.object}`;
    return `{"version":"${this.version}",${object}}`;
  }

  /**
   * The same as extension attributes, to be put behind those of {@link DispatchedEvent.openJson}. They cannot be objects
   * (CloudEvents 1.0.2, Type System): the state is a string that holds JSON.
   */
  get openAttributes(): string {
    const object = this.object === undefined ? '"stategone":true' : `"state":${JSON.stringify(this.object)}`;
    return `,"stateversion":"${this.version}",${object}`;
  }

  /** The same again, for messages that have their attributes beside them. */
  get attributes(): [name: string, value: string][] {
    const object: [string, string] = this.object === undefined ? ['stategone', 'true'] : ['state', this.object];
    return [['stateversion', String(this.version)], object];
  }
}

/** The data of an event as JSON to be looked at: bytes as base64. */
export function shownData({ data }: StoredEvent): unknown {
  return data instanceof Uint8Array ? Buffer.from(data).toString('base64') : data;
}

/**
 * The attributes as a receiver sees them: references absolute, the data described as the JSON it is handed; that of a raw
 * message as it was published.
 */
export function receiverAttributes(stored: StoredEvent, baseUrl: string): [name: string, value: string][] {
  const attributes: [string, string][] = [];
  for (const name in stored.attributes) {
    const value = receiverValue(stored, name, baseUrl);
    if (value !== undefined) attributes.push([name, value]);
  }
  if (!isRawMessage(stored)) attributes.push(['datacontenttype', contentTypeOf(stored)]);
  else if (stored.attributes.datacontenttype !== undefined) {
    attributes.push(['datacontenttype', stored.attributes.datacontenttype]);
  }
  if (stored.schemaId !== undefined) attributes.push(['dataschema', schemaUrl(stored.schemaId, baseUrl)]);
  return attributes;
}

/** Nothing for what is absent, and for what all events of a schema have in common. */
function receiverValue(stored: StoredEvent, name: string, baseUrl: string): string | undefined {
  const value = stored.attributes[name];
  if (value === undefined || name === 'datacontenttype') return undefined;
  if (name === 'dataschema' && stored.schemaId !== undefined) return undefined;
  return name === 'dataref' && value.startsWith('/') ? baseUrl + value : value;
}

function contentTypeOf({ attributes: { datacontenttype: written } }: StoredEvent): string {
  return written === undefined || written === AVRO_CONTENT_TYPE ? JSON_CONTENT_TYPE : written;
}

function schemaUrl(schemaId: number, baseUrl: string): string {
  return `${baseUrl}/v1/schemas/${schemaId}`;
}

function openJson(stored: StoredEvent, baseUrl: string, isExact = false): string {
  let text = '{"specversion":"1.0"';
  for (const name in stored.attributes) {
    const value = receiverValue(stored, name, baseUrl);
    if (value !== undefined) text += `,"${name}":${quoted(value)}`;
  }
  if (isRawTopic(stored.topic) && isRawMessage(stored)) return text + (isExact ? rawBytes(stored) : rawData(stored));
  return text + describedData(stored, baseUrl) + JSON.stringify(stored.data);
}

/** JSON stands in an event as it was published, number by number; anything else as base64 (JSON format 1.0.2, §3.1). */
function rawData(stored: StoredEvent): string {
  const content = rawContentOf(stored);
  const { contentType } = content;
  const described = contentType === undefined ? '' : `,"datacontenttype":${quoted(contentType)}`;
  if ('text' in content) return `${described},"data":${content.text}`;
  return `${described},"data_base64":"${base64Of(content.bytes)}"`;
}

function rawBytes({ attributes: { datacontenttype: contentType }, value }: StoredEvent): string {
  const described = contentType === undefined ? '' : `,"datacontenttype":${quoted(contentType)}`;
  return `${described},"data_base64":"${base64Of(value)}"`;
}

function base64Of({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** What stands between the attributes and the data of the event before: mostly the same again. */
let last: { contentType: string | undefined; schemaId: number | undefined; baseUrl: string; text: string } | undefined;

function describedData(stored: StoredEvent, baseUrl: string): string {
  const { schemaId, attributes } = stored;
  const { datacontenttype: contentType } = attributes;
  if (
    last === undefined ||
    last.schemaId !== schemaId ||
    last.contentType !== contentType ||
    last.baseUrl !== baseUrl
  ) {
    const schema = schemaId === undefined ? '' : `,"dataschema":${quoted(schemaUrl(schemaId, baseUrl))}`;
    const text = `,"datacontenttype":${quoted(contentTypeOf(stored))}${schema},"data":`;
    last = { contentType, schemaId, baseUrl, text };
  }
  return last.text;
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Attributes are nearly always plain text. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
