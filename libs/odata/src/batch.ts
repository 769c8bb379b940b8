import { HeddleError } from '@heddle/event';
import {
  type AnswerPart,
  type Part,
  type RequestPart,
  boundaryOf,
  parseMultipart,
  printMultipart,
  requestOf,
} from './multipart.js';
import {
  type ODataAnswer,
  type ODataCaller,
  type ODataRequest,
  VERSION_HEADERS,
  mustSpeakV2,
} from './odata-request.js';
import { type ODataService, mustShowToken } from './odata-service.js';
import { quoted, refusal, tooComplex } from './refusal.js';
import { refused } from './refused.js';

/** Requests of a batch at most, those of change sets counted in. */
const MAX_REQUESTS = 100;
/** From so much time or so many bytes on, what is left of a batch is for another one. */
const BATCH_MS = 10_000;
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * `$batch` (OData batch processing 2.0): reads, and sets of changes that are made all, or none. Each read is of one
 * moment of its own.
 */
export async function answerBatch<S>(
  service: ODataService<S>,
  request: ODataRequest,
  caller: ODataCaller,
): Promise<ODataAnswer> {
  try {
    mustSpeakV2(request);
    mustShowToken(request, caller.csrfToken);
    const boundary = boundaryOf(request.headers['content-type']);
    const parts = parseMultipart(textOf(request.body), boundary, MAX_REQUESTS);
    const { contentType, body } = await new Batch(service, request, caller).answer(parts);
    return { status: 202, headers: { ...VERSION_HEADERS, 'content-type': contentType }, body };
  } catch (error) {
    return refused(error, request);
  }
}

/** Bytes, one character each: a boundary may stand anywhere between them. */
function textOf(body: Buffer | undefined): string {
  return (body ?? Buffer.alloc(0)).toString('latin1');
}

type Answered = AnswerPart & { contentId?: string | undefined; changeSet?: boolean };

class Batch<S> {
  readonly #until = performance.now() + BATCH_MS;
  #requests = 0;
  #bytes = 0;

  constructor(
    private readonly service: ODataService<S>,
    private readonly request: ODataRequest,
    private readonly caller: ODataCaller,
  ) {}

  async answer(parts: readonly Part[]): Promise<{ contentType: string; body: string }> {
    const answers: Answered[] = [];
    for (const part of parts) {
      const answer = await this.#part(part);
      this.#bytes += Buffer.byteLength(answer.body);
      answers.push(answer);
    }
    return printMultipart('batch', answers);
  }

  async #part(part: Part): Promise<Answered> {
    try {
      this.#mustBeWithin();
      if (/^\s*multipart\/mixed/i.test(part.headers['content-type'] ?? '')) return await this.#changeSet(part);
      const inner = requestOf(part);
      const contentId = part.headers['content-id'] ?? inner.headers['content-id'];
      this.#count();
      const answer = await this.service.answer(this.#inner(inner), this.#trusted());
      return { ...answer, contentId };
    } catch (error) {
      return refused(error, this.request);
    }
  }

  /** Its answers in their order; the one error alone when one of them failed, and nothing was changed then. */
  async #changeSet(part: Part): Promise<Answered> {
    const boundary = boundaryOf(part.headers['content-type']);
    const requests = parseMultipart(part.body, boundary, MAX_REQUESTS).map((inner) => {
      const request = requestOf(inner);
      return { request, contentId: inner.headers['content-id'] ?? request.headers['content-id'] };
    });
    for (const { request } of requests) {
      this.#count();
      if (request.method === 'GET') throw new HeddleError('method-unsupported', 'A change set has changes only.');
    }
    this.caller.mustBeAllowedToChange();
    let current: RequestPart | undefined;
    try {
      const answers = await this.service.changes(async (change) => {
        const made: Answered[] = [];
        const places = new Map<string, string>();
        for (const { request, contentId } of requests) {
          current = request;
          const inner = this.#inner({ ...request, url: placed(request.url, places) });
          const answer = await change(inner);
          const { location } = answer.headers;
          if (contentId !== undefined && location !== undefined) {
            places.set(contentId, location.slice(this.request.root.length + 1));
          }
          made.push({ ...answer, contentId });
        }
        return made;
      });
      const { contentType, body } = printMultipart('changeset', answers);
      return { status: 202, headers: { 'content-type': contentType }, body, changeSet: true };
    } catch (error) {
      return refused(
        error,
        current === undefined ? this.request : { url: current.url, headers: this.#headersOf(current) },
      );
    }
  }

  #count(): void {
    this.#requests += 1;
    if (this.#requests > MAX_REQUESTS) throw tooComplex('$batch', `may have ${MAX_REQUESTS} requests at most`);
  }

  #mustBeWithin(): void {
    if (this.#bytes > BATCH_BYTES)
      throw tooComplex('$batch', 'has an answer of 8 MiB already: ask for the rest in another');
    if (performance.now() < this.#until) return;
    throw new HeddleError('busy', `A batch takes ${BATCH_MS / 1000} s at most: ask for the rest in another.`, {
      retryAfterSeconds: 1,
    });
  }

  #inner(part: RequestPart): ODataRequest {
    const body = part.body === '' ? undefined : Buffer.from(part.body, 'latin1');
    return {
      method: part.method,
      url: this.#below(part.url),
      headers: this.#headersOf(part),
      body,
      root: this.request.root,
    };
  }

  /** What the batch accepts, its parts do, where they do not say; the token was shown with the batch. */
  #headersOf({ headers }: RequestPart): Record<string, string | undefined> {
    const { accept } = this.request.headers;
    return { ...(accept === undefined || /^\s*multipart\//i.test(accept) ? {} : { accept }), ...headers };
  }

  #trusted(): ODataCaller {
    return { csrfToken: undefined, mustBeAllowedToChange: () => this.caller.mustBeAllowedToChange() };
  }

  /** The path of a part below the service: relative to it, from the root of the host on, or absolute. */
  #below(url: string): string {
    const { root } = this.request;
    const home = new URL(root).pathname;
    const path = /^https?:\/\//i.test(url) ? url.replace(/^https?:\/\/[^/?#]*/i, '') : url;
    if (path === home || path.startsWith(`${home}/`) || path.startsWith(`${home}?`)) return path.slice(home.length);
    if (path.startsWith('/') && path.startsWith('/sap/')) throw refusal('url', `${quoted(url)} is not of this service`);
    return path.startsWith('/') ? path : `/${path}`;
  }
}

/** `$1/to_Item`, where 1 is the content id of what was created before in the same set. */
function placed(url: string, places: ReadonlyMap<string, string>): string {
  const [, id, rest = ''] = /^\/?\$([\w.-]{1,64})(.*)$/s.exec(url) ?? [];
  const place = id === undefined ? undefined : places.get(id);
  return place === undefined ? url : `/${place}${rest}`;
}
