import { CLOUDEVENTS_JSON_CONTENT_TYPE, isRawMessage, tenantOf } from '@heddle/event';
import type { Lease } from '../queues/lease.js';
import { type DispatchedEvent, type Form, receiverAttributes } from '../represent.js';
import type { Namespaces } from './namespaces.js';

/** How an event of a type is written: as a whole, or its data alone with the attributes beside it. */
export type MessageMode = 'structured' | 'binary';

/** A delivery as doors of messages hand it out. */
export interface Message {
  /** That of the event. */
  id: string;
  /** Empty where a raw message was published without one. */
  contentType: string;
  body: Buffer;
  /** `topic:…` or `queue:…`: where it was published to, and for an event of a type its topic. */
  address: string;
  /**
   * CloudEvents attributes that go beside the body, without `specversion` and `datacontenttype`; none for an event of a type
   * in structured mode, for its body has them.
   */
  attributes: readonly (readonly [name: string, value: string])[];
  /** Milliseconds since the epoch. */
  expiresAt: number | undefined;
  /** Whether it is bytes as somebody published them, which no event type knows. */
  isRaw: boolean;
  /** All attributes of the event as they are in the log, for doors that have words of their own for some of them. */
  eventAttributes?: Readonly<Record<string, unknown>>;
}

/**
 * What a delivery is as a message: of a raw one bytes and content type as they were published; of an event of a type
 * structured CloudEvents JSON, or in binary mode its data as JSON. The state of its object goes with it where there is one.
 */
export function messageOf(
  { event, state }: Pick<Lease, 'event' | 'state'>,
  mode: MessageMode,
  namespaces: Pick<Namespaces, 'topicOf'>,
): Message {
  const { stored } = event;
  const { attributes, value } = stored;
  const { id, expirytime } = attributes;
  const expiresAt = expirytime === undefined ? Number.NaN : Date.parse(expirytime);
  const own = { id, expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt, eventAttributes: attributes };
  if (isRawMessage(stored)) {
    const { deadletteraddress: first, address = '', datacontenttype: contentType = '' } = attributes;
    const body = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { ...own, contentType, body, address: first ?? address, attributes: beside(event, true), isRaw: true };
  }
  const address = `topic:${namespaces.topicOf(tenantOf(stored.topic), attributes.type, attributes['namespace'])}`;
  if (mode === 'structured') {
    const body =
      state === undefined || state === null
        ? event.as(structuredForm)
        : Buffer.from(`${event.openJson}${state.openAttributes}}`);
    return { ...own, contentType: CLOUDEVENTS_JSON_CONTENT_TYPE, body, address, attributes: [], isRaw: false };
  }
  const contentType = event.contentType;
  const withState = [...beside(event, false), ...(state?.attributes ?? [])];
  return { ...own, contentType, body: event.as(dataForm), address, attributes: withState, isRaw: false };
}

const structuredForm: Form = {
  name: 'message-structured',
  encode: (event) => Buffer.from(`${event.openJson}}`),
};

const dataForm: Form = {
  name: 'message-data',
  encode: (event) => Buffer.from(JSON.stringify(event.stored.data)),
};

/** Where it was sent says the address already, of a raw message; what its content type is, the message. */
function beside(event: DispatchedEvent, isRaw: boolean): [name: string, value: string][] {
  return receiverAttributes(event.stored, event.baseUrl).filter(
    ([name]) => name !== 'datacontenttype' && !(isRaw && (name === 'address' || name === 'deadletteraddress')),
  );
}
