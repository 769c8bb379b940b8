import type { IncomingHttpHeaders } from 'node:http';
import {
  CLOUDEVENTS_JSON_BATCH_CONTENT_TYPE,
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  HeddleError,
  parseJsonEvent,
  topicOfType,
  topicProblem,
} from '@heddle/event';
import { type JsonLimits, parseJson } from '@heddle/runtime';
import { badHeader } from '../../event-mesh/sap-answer.js';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import { decodeHeaderValue } from '../http/header-value.js';

/** Events in one batch at most. */
const MAX_BATCH = 1000;

/** One event of a request: what it is called by its publisher, and the message it becomes; or why it becomes none. */
export type EventIn =
  { id: string | undefined; message: IncomingMessage } | { id: string | undefined; error: HeddleError };

/** A request to publish events. */
export interface EventsIn {
  isBatch: boolean;
  events: EventIn[];
}

/** @throws HeddleError `parameter-invalid` */
export function checkQos({ qos }: IncomingHttpHeaders): void {
  if (qos === undefined || qos === 'AT_MOST_ONCE' || qos === 'AT_LEAST_ONCE') return;
  throw badHeader('qos', 'is AT_MOST_ONCE or AT_LEAST_ONCE');
}

/**
 * The CloudEvents of a request in structured, batched or binary mode, each as a message to the topic of its type.
 *
 * @param namespace under which types without one go out
 * @throws HeddleError where the request as a whole cannot be read
 */
export function eventsIn(
  headers: IncomingHttpHeaders,
  body: Buffer | undefined,
  namespace: string,
  limits: { json: JsonLimits; batchJson: JsonLimits },
): EventsIn {
  const contentType = headers['content-type'] ?? '';
  const mediaType = contentType.split(';', 1)[0]!.trim().toLowerCase();
  const bytes = body ?? Buffer.alloc(0);
  if (mediaType === CLOUDEVENTS_JSON_BATCH_CONTENT_TYPE) {
    const batch = parseJson(bytes, limits.batchJson);
    if (!Array.isArray(batch)) throw new HeddleError('body-invalid', 'A batch is a JSON array of events.');
    if (batch.length > MAX_BATCH) {
      throw new HeddleError('too-large', `A batch has at most ${MAX_BATCH} events; this one has ${batch.length}.`);
    }
    return { isBatch: true, events: batch.map((event: unknown) => structured(event, undefined, namespace)) };
  }
  if (mediaType === CLOUDEVENTS_JSON_CONTENT_TYPE) {
    return { isBatch: false, events: [structured(parseJson(bytes, limits.json), bytes, namespace)] };
  }
  if (headers['ce-specversion'] === undefined && headers['ce-type'] === undefined) {
    throw new HeddleError(
      'content-type-unsupported',
      'This is no CloudEvent: send application/cloudevents+json, application/cloudevents-batch+json, or ce- headers.',
      { field: 'content-type' },
    );
  }
  return { isBatch: false, events: [binary(headers, contentType, bytes, namespace)] };
}

function structured(event: unknown, bytes: Buffer | undefined, namespace: string): EventIn {
  const { id, type } = (typeof event === 'object' && event !== null ? event : {}) as { id?: unknown; type?: unknown };
  return outcomeOf(id, type, namespace, (address) => {
    const body = bytes ?? Buffer.from(JSON.stringify(event));
    // Also of a type that nobody knows: what comes in here is an event, and no bytes that only say so.
    parseJsonEvent(body);
    return { address, contentType: CLOUDEVENTS_JSON_CONTENT_TYPE, body, json: event };
  });
}

function binary(headers: IncomingHttpHeaders, contentType: string, body: Buffer, namespace: string): EventIn {
  const attributes: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (name.startsWith('ce-') && typeof value === 'string') attributes[name.slice(3)] = decodeHeaderValue(value);
  }
  const { specversion, ...envelope } = attributes;
  return outcomeOf(attributes['id'], attributes['type'], namespace, (address) => {
    if (specversion !== '1.0') throw attributeError('specversion', 'is 1.0');
    return { address, contentType: contentType === '' ? 'application/json' : contentType, body, attributes: envelope };
  });
}

function outcomeOf(
  id: unknown,
  type: unknown,
  namespace: string,
  messageTo: (address: string) => IncomingMessage,
): EventIn {
  const known = typeof id === 'string' ? id : undefined;
  try {
    if (known === undefined || known === '') throw attributeError('id', 'is missing');
    if (typeof type !== 'string' || type === '') throw attributeError('type', 'is missing');
    const topic = topicOfType(type, namespace);
    const problem = topicProblem(topic);
    if (problem !== undefined) throw attributeError('type', `has no topic: ${problem}`);
    return { id: known, message: messageTo(`topic:${topic}`) };
  } catch (error) {
    if (error instanceof HeddleError) return { id: known, error };
    throw error;
  }
}

function attributeError(attribute: string, rule: string): HeddleError {
  return new HeddleError('attribute-invalid', `The attribute ${attribute} ${rule}.`, {
    field: `attributes.${attribute}`,
  });
}

/** What became of a batch that was not accepted as a whole. */
export function batchText(
  events: readonly { id: string | undefined }[],
  refusals: readonly (HeddleError | undefined)[],
): string {
  const accepted = events.flatMap(({ id }, index) => (refusals[index] === undefined ? [{ id }] : []));
  const refused = events.flatMap(({ id }, index) => {
    const error = refusals[index];
    return error === undefined ? [] : [{ id, code: error.code, message: error.message }];
  });
  return JSON.stringify({ accepted, refused });
}
