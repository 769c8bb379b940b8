import { quoted, refusal } from './refusal.js';

export interface ODataRequest {
  method: string;
  /** Below the service's own path: `/A_SalesOrder('4711')?$expand=to_Item`. */
  url: string;
  headers: Readonly<Record<string, string | undefined>>;
  body?: Buffer | undefined;
  /** The service as the client has reached it, absolute and without a slash at its end. */
  root: string;
}

export interface ODataAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Who asks: what it shows with changes, and whether it may make any. */
export interface ODataCaller {
  /** Nothing where it was shown already. */
  csrfToken: string | undefined;
  /** @throws HeddleError `permission-missing` */
  mustBeAllowedToChange(): void;
}

export const VERSION_HEADERS = { dataserviceversion: '2.0', 'cache-control': 'no-cache' } as const;

const VERSION = /^\s*(\d{1,3})\.(\d{1,3})\s*(?:;.*)?$/;

/**
 * What a client speaks, and the most that it understands (OData overview 2.0 §8): answers here are in version 2.0.
 *
 * @throws HeddleError `parameter-invalid`
 */
export function mustSpeakV2({ headers }: Pick<ODataRequest, 'headers'>): void {
  for (const [name, isWrong, rule] of VERSIONS) {
    const given = headers[name];
    if (given === undefined) continue;
    const [, major] = VERSION.exec(given) ?? [];
    if (major === undefined || isWrong(Number(major))) throw refusal(name, `${rule}, and ${quoted(given)} is not`);
  }
}

const VERSIONS: readonly [header: string, isWrong: (major: number) => boolean, rule: string][] = [
  ['dataserviceversion', (major) => major > 2, 'is 1.0 or 2.0'],
  ['maxdataserviceversion', (major) => major < 2, 'is 2.0 at least, in which answers are'],
];

/** Path and query of a URL. */
export function split(url: string): { path: string; query: string } {
  const at = url.indexOf('?');
  const [path, query] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
  return { path: path === '' ? '/' : path, query };
}

/** An answer of success. */
export function ok(body: string, contentType: string, more: Record<string, string> = {}): ODataAnswer {
  return { status: 200, headers: { ...VERSION_HEADERS, 'content-type': contentType, ...more }, body };
}
