import { AVRO_CONTENT_TYPE, HeddleError } from '@heddle/event';
import type { IncomingEvent } from './incoming-event.js';

/** What Avro data is called, by whom it comes from. */
export const AVRO_MEDIA_TYPES: ReadonlySet<string> = new Set([
  AVRO_CONTENT_TYPE,
  'avro/binary',
  'application/vnd.confluent.avro',
]);

/**
 * An event in the CloudEvents JSON format 1.0.2, which was parsed already. What its attributes may be is checked where it is
 * published.
 *
 * @param path of the event within the body, with a dot at its end; empty where it is the body
 * @throws HeddleError `body-invalid`, `attribute-invalid`, `content-type-unsupported`
 */
export function structuredEvent(json: unknown, path: string): IncomingEvent {
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

/** @throws HeddleError `attribute-invalid` */
export function checkVersion(version: unknown): void {
  if (version === '1.0') return;
  throw new HeddleError('attribute-invalid', 'The attribute specversion must be 1.0.', {
    field: 'attributes.specversion',
  });
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
