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
