import { type CloudEvent, readEvent } from './cloud-event.js';
import { type WebhookKeys, WebhookRefused, WebhookVerifier } from './webhook-signature.js';

/** Headers of any platform: those of Node, of Fastify and Express, of `Request`, or a plain object. */
export type HeaderSource =
  { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

/** A delivery that is known to come from who has the secret. */
export interface VerifiedWebhook {
  /** `webhook-id`: the same at every attempt. */
  id: string;
  /** When this attempt was signed. */
  signedAt: Date;
  mode: 'structured' | 'binary' | 'batch';
  /** One; of a batch several. */
  events: CloudEvent[];
  /** The first is 1; of a batch the highest. */
  attempt: number;
  /** Whether it came before; `maybe` follows a change of the queue's owner. */
  redelivery: 'no' | 'yes' | 'maybe';
  /** The replay or redrive that it belongs to. */
  cycle: string | undefined;
  /** Somebody tries whether the webhook works: the event is an example, or an old one. */
  isTest: boolean;
}

/** A request of a webhook, and the secrets it may be signed with. */
export interface VerifyWebhook extends WebhookKeys {
  headers: HeaderSource;
  /** The bytes as they came, not what was parsed and written again. */
  body: Uint8Array | string;
  /** Milliseconds since 1970; the clock's by default. */
  now?: number;
}

/**
 * Checks a delivery's signature (Standard Webhooks 1.0.0, `v1` and `v1a`) and reads its events (CloudEvents over HTTP:
 * structured, binary or batch). For many requests make a `webhookReceiver`, which reads its keys once.
 *
 * @throws WebhookRefused with the reason
 * @throws TypeError for keys that are none
 */
export function verifyWebhook({ headers, body, now, ...keys }: VerifyWebhook): VerifiedWebhook {
  return verifiedWebhook(new WebhookVerifier(keys), headers, body, now);
}

/** The same with keys that were read before. */
export function verifiedWebhook(
  verifier: WebhookVerifier,
  headers: HeaderSource,
  body: Uint8Array | string,
  now?: number,
): VerifiedWebhook {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError('The body is needed as the bytes that came: keep it from being parsed before.');
  }
  const header = headerOf(headers);
  const { id, timestamp } = verifier.verify(header, bytes, now);
  const redelivery = header('heddle-redelivery');
  return {
    id,
    signedAt: new Date(timestamp * 1000),
    ...eventsOf(headers, header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    attempt: Number(header('heddle-attempt') ?? 1),
    redelivery: redelivery === 'yes' || redelivery === 'maybe' ? redelivery : 'no',
    cycle: header('heddle-cycle'),
    isTest: header('heddle-test') === 'true',
  };
}

/** Looks headers up by their names in lower case; one that came several times is joined, as HTTP has it. */
export function headerOf(headers: HeaderSource): (name: string) => string | undefined {
  if (typeof headers.get === 'function') {
    const { get } = headers as { get(name: string): string | null };
    return (name) => get.call(headers, name) ?? undefined;
  }
  const record = headers as Record<string, string | readonly string[] | undefined>;
  const textOf = (value: string | readonly string[] | undefined): string | undefined =>
    value === undefined || typeof value === 'string' ? value : value.join(', ');
  return (name) => {
    if (record[name] !== undefined) return textOf(record[name]);
    const other = Object.keys(record).find((key) => key.toLowerCase() === name);
    return other === undefined ? undefined : textOf(record[other]);
  };
}

function eventsOf(
  headers: HeaderSource,
  header: (name: string) => string | undefined,
  body: Buffer,
): Pick<VerifiedWebhook, 'mode' | 'events'> {
  const contentType = header('content-type') ?? '';
  const mediaType = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (mediaType === 'application/cloudevents+json') {
    return { mode: 'structured', events: [eventOf(parsed(body))] };
  }
  if (mediaType === 'application/cloudevents-batch+json') {
    const values = parsed(body);
    if (!Array.isArray(values)) throw new WebhookRefused('body-invalid', 'A batch is a JSON array.');
    return { mode: 'batch', events: values.map(eventOf) };
  }
  if (header('ce-specversion') === undefined) {
    throw new WebhookRefused('content-type-unsupported', `${mediaType.slice(0, 100) || 'Nothing'} is no CloudEvent.`);
  }
  const data = dataOf(mediaType, body);
  const described = contentType === '' ? {} : { datacontenttype: contentType };
  const event = eventOf({ ...attributesOf(headers), ...described });
  return { mode: 'binary', events: [data === undefined ? event : { ...event, data }] };
}

/** The attributes of binary mode (CloudEvents HTTP binding §3.1.3), percent-decoded. */
function attributesOf(headers: HeaderSource): Record<string, string> {
  const all =
    typeof headers.get === 'function' ? (headers as unknown as Iterable<[string, string]>) : Object.entries(headers);
  const attributes: Record<string, string> = {};
  for (const [name, value] of all) {
    const attribute = /^ce-([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
    if (attribute === undefined || attribute === 'data') continue;
    if (typeof value === 'string') attributes[attribute] = decoded(value);
  }
  return attributes;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  } catch {
    return value;
  }
}

function dataOf(mediaType: string, body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (mediaType === '' || mediaType === 'application/json' || mediaType.endsWith('+json')) return parsed(body);
  return mediaType.startsWith('text/') ? body.toString() : new Uint8Array(body);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new WebhookRefused('body-invalid', 'The body is no JSON.', cause);
  }
}

function eventOf(value: unknown): CloudEvent {
  try {
    return readEvent(value);
  } catch (cause) {
    throw new WebhookRefused('event-invalid', `This is no event: ${(cause as Error).message}.`, cause);
  }
}
