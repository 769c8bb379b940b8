/** As long as a URL may be, as it is given and in its normal form. */
export const MAX_URL_LENGTH = 2048;

/** Ports from one to another, both included. */
export interface PortRange {
  from: number;
  to: number;
}

export interface UrlRules {
  /** Whether http is allowed beside https. */
  http: boolean;
  ports: readonly PortRange[];
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * The normal form of a receiver's URL: what it says is decided once, by the WHATWG rules that also make the connection,
 * so that nothing else can read it in another way. Undefined for what is no http or https URL, or has a user, a password
 * or a fragment.
 */
export function normalUrl(text: string): string | undefined {
  const url = text.length > MAX_URL_LENGTH ? null : URL.parse(text);
  if (url === null || DEFAULT_PORTS[url.protocol] === undefined) return undefined;
  // An empty fragment is none for `hash`, and stands in `href`.
  if (url.username !== '' || url.password !== '' || url.href.includes('#')) return undefined;
  return url.href.length > MAX_URL_LENGTH ? undefined : url.href;
}

/** What this gateway has against a URL, whoever answers there; undefined when nothing. */
export function urlProblem(url: URL, { http, ports }: UrlRules): string | undefined {
  if (DEFAULT_PORTS[url.protocol] === undefined) return 'must be an http or https URL';
  if (url.protocol === 'http:' && !http) return 'must be https: this gateway does not deliver over http';
  const port = portOf(url);
  return ports.some(({ from, to }) => from <= port && port <= to)
    ? undefined
    : `must not name port ${port}: this gateway does not deliver there`;
}

/** The port that a connection to this URL goes to; 0 for a URL that names none and has no usual one. */
export function portOf({ port, protocol }: URL): number {
  return port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port);
}

/** The host of a URL as a resolver and a socket take it: without the brackets of IPv6. */
export function hostOf(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
