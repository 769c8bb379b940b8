import { ATTRIBUTE_LIMITS, isRawMessage } from '@heddle/event';
import type { Lease } from '../../queues/lease.js';
import { type DispatchedEvent, type Form, receiverAttributes } from '../../represent.js';
import { encodeHeaderValue } from '../http/header-value.js';

export const STRUCTURED_CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';
export const BATCH_CONTENT_TYPE = 'application/cloudevents-batch+json; charset=utf-8';

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

/** The whole event as one JSON document (`application/cloudevents+json`). */
const structuredForm: Form = {
  name: 'webhook-structured',
  encode: (event) => Buffer.from(`${event.openJson}}`),
};

/** The data alone, of a raw message its bytes as they are; the attributes travel as `ce-` headers. */
export const binaryForm: Form = {
  name: 'webhook-binary',
  encode: ({ stored }) => Buffer.from(isRawMessage(stored) ? stored.value : JSON.stringify(stored.data)),
};

/** The event of a lease in structured mode, with the state of its object as extension attributes where one goes with it. */
export function structuredBody({ event, state }: Lease): Buffer {
  // Without a state the bytes are those that all receivers share.
  if (state === undefined || state === null) return event.as(structuredForm);
  return Buffer.from(`${event.openJson}${state.openAttributes}}`);
}

/** Several events as a JSON array (CloudEvents JSON format §4), from the bytes that each has in structured mode. */
export function batchBody(leases: readonly Lease[]): Buffer {
  const parts: Buffer[] = [];
  for (const lease of leases) parts.push(parts.length === 0 ? OPEN : COMMA, structuredBody(lease));
  parts.push(CLOSE);
  return Buffer.concat(parts);
}

/** The headers of the CloudEvents HTTP binding, binary mode (§3.1.3), percent-encoded where HTTP needs it. */
export function binaryHeaders(event: DispatchedEvent): string[] {
  const headers = ['ce-specversion', '1.0'];
  for (const [name, value] of receiverAttributes(event.stored, event.baseUrl)) {
    if (name === 'datacontenttype') headers.push('content-type', value);
    // Nobody takes a header of that size; in structured mode it is there.
    else if (value.length <= ATTRIBUTE_LIMITS.valueBytes) headers.push(`ce-${name}`, encodeHeaderValue(value));
  }
  return headers;
}
