import { type DispatchedEvent, type Form, receiverAttributes } from '../../represent.js';
import { encodeHeaderValue } from '../http/header-value.js';

/** The whole event as one JSON document (`application/cloudevents+json`). */
export const structuredForm: Form = {
  name: 'webhook-structured',
  encode: (event) => Buffer.from(`${event.openJson}}`),
};

/** The data alone; the attributes travel as `ce-` headers. */
export const binaryForm: Form = {
  name: 'webhook-binary',
  encode: (event) => Buffer.from(JSON.stringify(event.stored.data)),
};

/** The headers of the CloudEvents HTTP binding, binary mode (§3.1.3), percent-encoded where HTTP needs it. */
export function binaryHeaders(event: DispatchedEvent): string[] {
  const headers = ['ce-specversion', '1.0'];
  for (const [name, value] of receiverAttributes(event.stored, event.baseUrl)) {
    if (name === 'datacontenttype') headers.push('content-type', value);
    else headers.push(`ce-${name}`, encodeHeaderValue(value));
  }
  return headers;
}
