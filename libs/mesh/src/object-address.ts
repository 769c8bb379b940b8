import { type EventAttributes, HeddleError } from '@heddle/event';
import type { Catalogue } from '@heddle/schema';

/** Where an object is asked for, and from which version on an answer will do. */
export interface ObjectAddress {
  url: string;
  version: number | undefined;
  /** The gateway knows what was notified; an owner that is asked directly does not, and answers with what it has. */
  isDirect: boolean;
}

export interface ObjectPlaces {
  /** The door that references are relative to, without a slash at its end. */
  gatewayUrl: string;
  /** Owners to be asked directly, by object: `{ 'sales-order': 'http://sales-order:8101' }`. */
  owners: Readonly<Record<string, string>>;
  catalogue: Pick<Catalogue, 'list'>;
}

const OBJECT_PATH = /\/v1\/objects\/([a-z][a-z0-9-]{0,62})\/([^/?#]+)$/;

/**
 * Finds what a reference points to.
 *
 * @throws HeddleError `parameter-invalid` for an event without a reference, and for one to somewhere else than the
 * gateway: events are written by others, and a token goes with the request.
 */
export function addressOf(what: EventAttributes | string, places: ObjectPlaces): ObjectAddress {
  const dataref = typeof what === 'string' ? what : what['dataref'];
  if (dataref === undefined) throw invalid('The event has no dataref: there is nothing to fetch.');
  const { origin } = new URL(places.gatewayUrl);
  // A gateway behind a proxy may have a path of its own: references begin where it does.
  const from = dataref.startsWith('/') ? places.gatewayUrl + dataref : dataref;
  if (!URL.canParse(from)) throw invalid(`${dataref} is no reference to an object.`);
  const url = new URL(from);
  const version = versionOf(url);
  const [, object = '', key = ''] = OBJECT_PATH.exec(url.pathname) ?? [];
  const owner = places.owners[object];
  if (owner !== undefined) {
    const path = places.catalogue.list().find((type) => type.object === object && type.fetch !== undefined)?.fetch;
    if (path === undefined) throw invalid(`No event type says where objects of the kind ${object} are fetched.`);
    return { url: owner + path.replace('{key}', () => key), version, isDirect: true };
  }
  if (url.origin !== origin) throw invalid(`${url.origin} is not where objects are fetched from.`);
  return { url: url.href, version, isDirect: false };
}

function versionOf(url: URL): number | undefined {
  const version = Number(url.searchParams.get('version') ?? Number.NaN);
  return Number.isSafeInteger(version) && version > 0 ? version : undefined;
}

function invalid(message: string): HeddleError {
  return new HeddleError('parameter-invalid', message, { field: 'dataref' });
}
