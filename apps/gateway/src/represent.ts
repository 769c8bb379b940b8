import { AVRO_CONTENT_TYPE, JSON_CONTENT_TYPE, type StoredEvent } from '@heddle/event';

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
  #forms = new Map<Form, Buffer>();
  #open: string | undefined;
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
    let bytes = this.#forms.get(form);
    if (bytes === undefined) {
      bytes = form.encode(this);
      this.#forms.set(form, bytes);
    }
    return bytes;
  }

  /** The structured JSON event (CloudEvents JSON format 1.0.2) without its closing brace, so that doors may add to it. */
  get openJson(): string {
    this.#open ??= openJson(this.stored, this.baseUrl);
    return this.#open;
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
}

/** The attributes as a receiver sees them: references absolute, the data described as the JSON it is handed. */
export function receiverAttributes(stored: StoredEvent, baseUrl: string): [name: string, value: string][] {
  const attributes: [string, string][] = [];
  for (const name in stored.attributes) {
    const value = stored.attributes[name];
    if (value === undefined || name === 'datacontenttype') continue;
    if (name === 'dataschema' && stored.schemaId !== undefined) continue;
    attributes.push([name, name === 'dataref' && value.startsWith('/') ? baseUrl + value : value]);
  }
  const written = stored.attributes.datacontenttype;
  attributes.push([
    'datacontenttype',
    written === undefined || written === AVRO_CONTENT_TYPE ? JSON_CONTENT_TYPE : written,
  ]);
  if (stored.schemaId !== undefined) attributes.push(['dataschema', `${baseUrl}/v1/schemas/${stored.schemaId}`]);
  return attributes;
}

function openJson(stored: StoredEvent, baseUrl: string): string {
  let text = '{"specversion":"1.0"';
  for (const [name, value] of receiverAttributes(stored, baseUrl)) text += `,"${name}":${JSON.stringify(value)}`;
  return `${text},"data":${JSON.stringify(stored.data)}`;
}
