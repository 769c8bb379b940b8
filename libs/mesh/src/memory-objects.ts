/** Objects of a test's, answered to who fetches them as a gateway does: by version, with ETag, tombstones and 503. */
export class MemoryObjects {
  readonly #objects = new Map<string, { version: number; state: object | undefined }>();

  /** The object as it is from now on. */
  put(object: string, key: string, version: number, state: object): void {
    this.#objects.set(nameOf(object, key), { version, state });
  }

  /** The object is deleted; that is a version of it, too. */
  remove(object: string, key: string, version: number): void {
    this.#objects.set(nameOf(object, key), { version, state: undefined });
  }

  /** As `fetch` asks a gateway. */
  readonly request: typeof fetch = (input, { headers } = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const wanted = Number(url.searchParams.get('version') ?? 0);
    const found = this.#objects.get(url.pathname.replace(/^.*\/v1\/objects\//, ''));
    return Promise.resolve(answerOf(found, wanted, new Headers(headers).get('if-none-match')));
  };
}

function answerOf(
  found: { version: number; state: object | undefined } | undefined,
  wanted: number,
  known: string | null,
): Response {
  // Who was notified of an object knows that there is one: it is only not there yet.
  if (wanted > (found?.version ?? 0)) return problem(503, 'object-behind', { 'retry-after': '0' });
  if (found === undefined) return problem(404, 'not-found');
  const etag = `"${found.version}"`;
  if (found.state === undefined) return problem(410, 'object-gone', { etag });
  if (known === etag) return new Response(null, { status: 304, headers: { etag } });
  return Response.json(found.state, { headers: { etag } });
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ status, code }, { status, headers });
}

function nameOf(object: string, key: string): string {
  return `${object}/${encodeURIComponent(key)}`;
}
