import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type FetchDocument, fetchDocument } from './document-fetch.js';

const HREF = 'https://documents.example.com/contracts/1.pdf';
const BYTES = randomBytes(300_000);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

describe('a document', () => {
  it('comes in pieces, and whole', async () => {
    const { stream, mediaType } = await fetchDocument(
      { href: HREF, sha256: SHA256, sizeBytes: BYTES.length },
      serving(BYTES),
    );
    expect(mediaType).toBe('application/pdf');
    const pieces: Uint8Array[] = [];
    for await (const piece of stream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(BYTES)).toBe(true);
  });

  it.each([
    ['other bytes', Buffer.concat([BYTES.subarray(1), BYTES.subarray(0, 1)])],
    ['fewer bytes', BYTES.subarray(1)],
    ['more bytes', Buffer.concat([BYTES, Buffer.alloc(1)])],
    ['nothing', Buffer.alloc(0)],
  ])('with %s than it was referred to is refused by its end', async (_what, served) => {
    for (const sizeBytes of [undefined, BYTES.length]) {
      const { stream } = await fetchDocument({ href: HREF, sha256: SHA256, sizeBytes }, serving(served));
      await expect(new Response(stream).arrayBuffer()).rejects.toMatchObject({ code: 'document-changed' });
    }
  });

  it('is not read beyond what is allowed', async () => {
    const reference = { href: HREF, sha256: SHA256 };
    const { stream } = await fetchDocument(reference, { ...serving(BYTES), maxBytes: 1000 });
    await expect(new Response(stream).arrayBuffer()).rejects.toMatchObject({ code: 'document-changed' });
    const large = fetchDocument({ ...reference, sizeBytes: 1001 }, { ...serving(BYTES), maxBytes: 1000 });
    await expect(large).rejects.toMatchObject({ code: 'reference-refused' });
  });

  it('is fetched only from where documents may be, over http', async () => {
    const options = { ...serving(BYTES), origins: ['https://documents.example.com'] };
    for (const href of ['https://else.example.com/1.pdf', 'file:///etc/passwd', 'data:,x', 'no URL']) {
      await expect(fetchDocument({ href, sha256: SHA256 }, options)).rejects.toMatchObject({
        code: 'reference-refused',
      });
    }
    await expect(fetchDocument({ href: HREF, sha256: 'x' }, options)).rejects.toMatchObject({
      code: 'reference-refused',
    });
    expect(await fetchDocument({ href: HREF, sha256: SHA256 }, options)).toBeTruthy();
  });

  it('brings a token only to where it is for', async () => {
    const seen: unknown[] = [];
    const options = serving(BYTES, (headers) => seen.push(headers['authorization']));
    const reference = { href: HREF, sha256: SHA256 };
    await fetchDocument(reference, { ...options, token: 't' });
    await fetchDocument(reference, { ...options, token: 't', tokenOrigin: 'https://mesh.example' });
    await fetchDocument(reference, { ...options, token: 't', tokenOrigin: 'https://documents.example.com/x' });
    expect(seen).toEqual([undefined, undefined, 'Bearer t']);
  });

  it('that is not answered says why', async () => {
    const fetch404 = (): Promise<Response> => Promise.resolve(new Response('gone', { status: 404 }));
    const refused = fetchDocument({ href: HREF, sha256: SHA256 }, { fetch: fetch404 });
    await expect(refused).rejects.toMatchObject({ status: 404, code: 'answer-unreadable' });
    let asked = 0;
    const away = (): Promise<Response> => {
      asked += 1;
      return Promise.reject(new Error('no'));
    };
    const silent = fetchDocument({ href: HREF, sha256: SHA256 }, { fetch: away, waitMs: 1000 });
    await expect(silent).rejects.toMatchObject({ code: 'unreachable' });
    expect(asked).toBeGreaterThan(1);
  });
});

function serving(bytes: Uint8Array, see: (headers: Record<string, string>) => void = () => undefined): FetchDocument {
  return {
    fetch: (_url, init) => {
      see(init!.headers as Record<string, string>);
      let at = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (at >= bytes.length) return controller.close();
          controller.enqueue(bytes.slice(at, (at += 65_536)));
        },
      });
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'application/pdf' } }));
    },
  };
}
