import { Refusal, refusalOf, unreachable } from './refusal.js';
import type { Tokens } from './tokens.js';

/** A document from some byte on, over one connection. */
export interface Part {
  mediaType: string | undefined;
  /** What comes next, nothing at its end. @throws Refusal `unreachable` when it breaks off, or nothing comes */
  read(): Promise<Uint8Array | undefined>;
  cancel(): void;
}

/** Asks for a document from some byte on. @throws Refusal */
export type DocumentSource = (from: number) => Promise<Part>;

export interface SourceOptions {
  url: URL;
  /** Of who may have it; none is shown where there are none. */
  tokens: Tokens | undefined;
  idleMs: number;
  signal: AbortSignal | undefined;
  request: typeof fetch;
}

const PART = /^bytes (\d+)-\d+\/(?:\d+|\*)$/;

export function documentSource({ url, tokens, idleMs, signal, request }: SourceOptions): DocumentSource {
  /** Of the document whose beginning is here, so that no part of another one is sent. */
  let etag: string | undefined;

  const ask = async (from: number, cutting: AbortController): Promise<Response> => {
    const headers = new Headers(from === 0 ? {} : { range: `bytes=${from}-` });
    if (from > 0 && etag !== undefined) headers.set('if-range', etag);
    const token = await tokens?.get();
    const once = async (shown: string | undefined): Promise<Response> => {
      if (shown !== undefined) headers.set('authorization', `Bearer ${shown}`);
      return within(request(url.href, { headers: Object.fromEntries(headers), signal: cutting.signal }), cutting);
    };
    const response = await once(token);
    if (response.status !== 401 || token === undefined) return response;
    tokens?.refused?.(token);
    const another = await tokens?.get();
    if (another === token) return response;
    await response.body?.cancel();
    return once(another);
  };

  const within = async <T>(work: Promise<T>, cutting: AbortController): Promise<T> => {
    const timer = setTimeout(() => cutting.abort(new DOMException('', 'TimeoutError')), idleMs);
    try {
      return await work;
    } catch (cause) {
      // Said by who reads, and no failure of the way.
      signal?.throwIfAborted();
      throw unreachable(url.href, cutting.signal.aborted ? cutting.signal.reason : cause, idleMs);
    } finally {
      clearTimeout(timer);
    }
  };

  return async (from) => {
    const cutting = new AbortController();
    const abort = (): void => cutting.abort(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort, { once: true });
    const leave = (): void => signal?.removeEventListener('abort', abort);
    try {
      const response = await ask(from, cutting);
      if (response.status === 416) throw ended(from);
      if (!response.ok) throw await refusalOf(response);
      if (response.body === null) throw new Refusal('answer-unreadable', 'The document was answered without a body.');
      const given = response.headers.get('etag') ?? undefined;
      etag ??= given?.startsWith('"') === true ? given : undefined;
      // Who has no parts sends all of it again: what is here already is passed over.
      let over = response.status === 206 ? from - firstOf(response, from) : from;
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      return {
        mediaType: response.headers.get('content-type') ?? undefined,
        read: async () => {
          try {
            for (;;) {
              const { done, value } = await within(reader.read(), cutting);
              if (done) leave();
              if (done) return undefined;
              const bytes = value.subarray(Math.min(over, value.length));
              over -= value.length - bytes.length;
              if (bytes.length > 0) return bytes;
            }
          } catch (error) {
            leave();
            throw error;
          }
        },
        cancel: () => {
          leave();
          void reader.cancel().catch(() => undefined);
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  };
}

/** Where a part begins; between what is here and that nothing may be missing. */
function firstOf({ headers }: Response, from: number): number {
  const range = headers.get('content-range') ?? '';
  const first = Number(PART.exec(range)?.[1] ?? Number.NaN);
  if (first <= from) return first;
  throw new Refusal('answer-unreadable', `Bytes from ${from} on were asked for, and came as ${range || 'a part'}.`);
}

function ended(from: number): Refusal {
  return new Refusal('document-changed', `The document has no more than the ${from} bytes that are here.`, {
    status: 416,
  });
}
