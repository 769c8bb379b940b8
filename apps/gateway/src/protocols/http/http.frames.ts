import type { IncomingHttpHeaders } from 'node:http';
import { AVRO_CONTENT_TYPE, HeddleError, JSON_CONTENT_TYPE } from '@heddle/event';
import { type JsonLimits, parseJson } from '@heddle/runtime';
import type { IncomingEvent } from '../../incoming-event.js';
import { decodeHeaderValue } from './header-value.js';

/** Events in one batch at most. */
const MAX_BATCH = 1000;

const JSON_MEDIA_TYPE = /^application\/(?:json|[a-z0-9.+-]+\+json)$/;
const AVRO_MEDIA_TYPES = new Set([AVRO_CONTENT_TYPE, 'avro/binary', 'application/vnd.confluent.avro']);

/** A request in binary mode: attributes in `ce-` headers, the body is the data. */
export function binaryEvent(
  headers: IncomingHttpHeaders,
  contentType: string,
  mediaType: string,
  body: Buffer,
  limits: JsonLimits,
): IncomingEvent {
  const attributes: Record<string, string> = {};
  for (const name in headers) {
    if (!name.startsWith('ce-')) continue;
    const value = headers[name];
    if (typeof value === 'string') attributes[name.slice(3)] = decodeHeaderValue(value);
  }
  if (headers['ce-specversion'] === undefined && headers['ce-type'] === undefined) {
    throw new HeddleError(
      'content-type-unsupported',
      `This is no CloudEvent: send application/cloudevents+json, application/cloudevents-batch+json, or ce- headers with the data as body (got ${contentType === '' ? 'no content type' : contentType}).`,
      { field: 'content-type' },
    );
  }
  checkVersion(attributes.specversion);
  delete attributes.specversion;
  attributes.datacontenttype = contentType === '' ? JSON_CONTENT_TYPE : contentType;
  if (AVRO_MEDIA_TYPES.has(mediaType)) return { attributes, data: { avro: body } };
  if (mediaType === '' || JSON_MEDIA_TYPE.test(mediaType))
    return { attributes, data: { json: parseJson(body, limits, 'data') } };
  throw new HeddleError(
    'content-type-unsupported',
    `Data must be application/json or ${AVRO_CONTENT_TYPE}, not ${mediaType}.`,
    {
      field: 'content-type',
    },
  );
}

/** A request in structured mode: the body is the whole event as JSON. */
export function parseStructured(body: Buffer, limits: JsonLimits): IncomingEvent {
  return structuredEvent(parseJson(body, limits), '');
}

/** A batch; an element that is no event is its error, so that the others can go on. */
export function parseBatch(body: Buffer, limits: JsonLimits): (IncomingEvent | HeddleError)[] {
  const batch = parseJson(body, limits);
  if (!Array.isArray(batch)) throw new HeddleError('body-invalid', 'A batch must be a JSON array of events.');
  if (batch.length > MAX_BATCH) {
    throw new HeddleError('too-large', `A batch has at most ${MAX_BATCH} events; this one has ${batch.length}.`);
  }
  return batch.map((element: unknown, index) => {
    try {
      return structuredEvent(element, `${index}.`);
    } catch (error) {
      if (error instanceof HeddleError) return error;
      throw error;
    }
  });
}

function structuredEvent(json: unknown, path: string): IncomingEvent {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new HeddleError('body-invalid', 'An event must be a JSON object.', { field: path.slice(0, -1) });
  }
  const attributes: Record<string, string> = {};
  const event = json as Record<string, unknown>;
  for (const name in event) {
    if (name === 'data' || name === 'data_base64' || name === 'specversion') continue;
    const value = event[name];
    // An attribute that is null counts as absent (JSON format §2.2).
    if (value === null) continue;
    attributes[name] = attributeText(value, `${path}${name}`);
  }
  checkVersion(event.specversion);
  return { attributes, data: dataOf(event, attributes, path) };
}

/** Booleans and 32-bit integers are the other types JSON can carry; both have one text form (§3, "Type System"). */
function attributeText(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 31) return String(value);
  throw new HeddleError(
    'attribute-invalid',
    `The attribute ${field} must be a string, a boolean or a 32-bit integer.`,
    {
      field: `attributes.${field}`,
    },
  );
}

function dataOf(
  event: Record<string, unknown>,
  attributes: Record<string, string>,
  path: string,
): IncomingEvent['data'] {
  if (event.data_base64 === undefined) return { json: event.data ?? null };
  if (event.data !== undefined || typeof event.data_base64 !== 'string') {
    throw new HeddleError('body-invalid', 'An event has either data or data_base64, and the latter is a string.', {
      field: `${path}data_base64`,
    });
  }
  if (!AVRO_MEDIA_TYPES.has(attributes.datacontenttype ?? '')) {
    throw new HeddleError(
      'content-type-unsupported',
      `data_base64 must be ${AVRO_CONTENT_TYPE}, as datacontenttype says.`,
      {
        field: `${path}datacontenttype`,
      },
    );
  }
  return { avro: Buffer.from(event.data_base64, 'base64') };
}

function checkVersion(version: unknown): void {
  if (version === '1.0') return;
  throw new HeddleError('attribute-invalid', 'The attribute specversion must be 1.0.', {
    field: 'attributes.specversion',
  });
}
