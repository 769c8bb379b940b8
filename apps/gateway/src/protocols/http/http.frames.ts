import type { IncomingHttpHeaders } from 'node:http';
import { AVRO_CONTENT_TYPE, HeddleError, JSON_CONTENT_TYPE } from '@heddle/event';
import { type JsonLimits, parseJson } from '@heddle/runtime';
import type { IncomingEvent } from '../../incoming-event.js';
import { AVRO_MEDIA_TYPES, checkVersion, structuredEvent } from '../../structured-event.js';
import { decodeHeaderValue } from './header-value.js';

/** Events in one batch at most. */
const MAX_BATCH = 1000;

const JSON_MEDIA_TYPE = /^application\/(?:json|[a-z0-9.+-]+\+json)$/;

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
