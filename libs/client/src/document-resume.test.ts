import { createHash, randomBytes } from 'node:crypto';
import { type IncomingHttpHeaders, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type DocumentReference, type FetchDocument, fetchDocument } from './document-fetch.js';

const BYTES = randomBytes(300_000);
const sha256 = createHash('sha256').update(BYTES).digest('hex');
const ETAG = `"${sha256}"`;

type Answer = (response: ServerResponse, from: number, headers: IncomingHttpHeaders) => void;

let stop = (): unknown => undefined;
afterEach(() => stop());

/** A server of one document, whose answers are these, one after another; the last one for all further requests. */
async function serving(...answers: Answer[]) {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer(({ headers }, response) => {
    asked.push(headers);
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    (answers[asked.length - 1] ?? answers.at(-1)!)(response, from, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  const href = `http://127.0.0.1:${(server.address() as AddressInfo).port}/1.pdf`;
  const reference: DocumentReference = { href, sha256, sizeBytes: BYTES.length };
  return { asked, reference, origin: href.slice(0, -6) };
}

/** As an owner that knows parts. */
function part(bytes: Buffer = BYTES): Answer {
  return (response, from) => {
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    const length = String(bytes.length - from);
    response.writeHead(from === 0 ? 200 : 206, { etag: ETAG, 'content-length': length, ...range });
    response.end(bytes.subarray(from));
  };
}

/** As `part`, and broken off after so many bytes. */
function broken(most: number): Answer {
  return (response, from) => {
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` };
    const length = String(BYTES.length - from);
    response.writeHead(from === 0 ? 200 : 206, { etag: ETAG, 'content-length': length, ...range });
    response.write(BYTES.subarray(from, from + most), () => response.destroy());
  };
}

async function bytesOf(reference: DocumentReference, options: FetchDocument = {}): Promise<Buffer> {
  const { stream } = await fetchDocument(reference, options);
  return Buffer.from(await new Response(stream).arrayBuffer());
}

describe('a document whose connection breaks off', () => {
  it('goes on behind what has come, as long as it is that document', async () => {
    const { asked, reference } = await serving(broken(100_000), broken(50_000), part());
    expect((await bytesOf(reference)).equals(BYTES)).toBe(true);
    expect(asked.map(({ range, 'if-range': tag }) => [range, tag])).toEqual([
      [undefined, undefined],
      ['bytes=100000-', ETAG],
      ['bytes=150000-', ETAG],
    ]);
  });

  it('goes on where only all of it is to be had, without what has come', async () => {
    const whole: Answer = (response) => void response.writeHead(200).end(BYTES);
    const { asked, reference } = await serving(broken(100_000), whole);
    expect((await bytesOf(reference)).equals(BYTES)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('and is another one by then is refused by its hash', async () => {
    const other: Answer = (response) => void response.writeHead(200, { etag: '"other"' }).end(randomBytes(300_000));
    const { reference } = await serving(broken(100_000), other);
    await expect(bytesOf(reference)).rejects.toMatchObject({ code: 'document-changed' });
  });

  it('and has no more bytes, or begins elsewhere, is refused at once', async () => {
    const none: Answer = (response) => void response.writeHead(416, { 'content-range': 'bytes */100000' }).end();
    const first = await serving(broken(100_000), none);
    await expect(bytesOf(first.reference)).rejects.toMatchObject({ code: 'document-changed', status: 416 });
    stop();
    const gap: Answer = (response) => {
      response
        .writeHead(206, { etag: ETAG, 'content-range': 'bytes 200000-299999/300000' })
        .end(BYTES.subarray(200_000));
    };
    const second = await serving(broken(100_000), gap);
    await expect(bytesOf(second.reference)).rejects.toMatchObject({
      code: 'answer-unreadable',
      message: 'Bytes from 100000 on were asked for, and came as bytes 200000-299999/300000.',
    });
  });

  it('and goes silent is asked for again', async () => {
    const silent: Answer = (response) => {
      response.writeHead(200, { etag: ETAG, 'content-length': String(BYTES.length) });
      response.write(BYTES.subarray(0, 1000));
    };
    const { asked, reference } = await serving(silent, part());
    expect((await bytesOf(reference, { idleMs: 200 })).equals(BYTES)).toBe(true);
    expect(asked[1]!.range).toBe('bytes=1000-');
  });

  it('and is refused for a while is waited for as long as nothing new comes, and then given up with the reason', async () => {
    const busy: Answer = (response) => void response.writeHead(503, { 'retry-after': '0' }).end('busy');
    const { asked, reference } = await serving(busy, broken(100_000), busy, part());
    expect((await bytesOf(reference, { waitMs: 5000 })).equals(BYTES)).toBe(true);
    expect(asked).toHaveLength(4);
    stop();
    const gone = await serving(broken(100_000), busy);
    const refused = bytesOf(gone.reference, { waitMs: 500 });
    await expect(refused).rejects.toMatchObject({ status: 503, message: expect.stringMatching(/busy$/) as string });
  });

  it('is asked for with another token when the one it had has ended meanwhile', async () => {
    const expired: Answer = (response, from, headers) =>
      headers.authorization === 'Bearer new' ? part()(response, from, headers) : void response.writeHead(401).end();
    const { asked, reference, origin } = await serving(broken(100_000), expired);
    const tokens = ['old', 'new'];
    const token = { get: () => tokens[0]!, refused: () => void tokens.shift() };
    expect((await bytesOf(reference, { token, tokenOrigin: origin })).equals(BYTES)).toBe(true);
    expect(asked.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer old', 'Bearer new']);
  });

  it('that nobody wants any more ends with what it was aborted with, whether it is answered or not', async () => {
    const silent: Answer = (response) => void response.writeHead(200, { etag: ETAG }).write('x');
    const { reference } = await serving(silent);
    const aborting = new AbortController();
    const { stream } = await fetchDocument(reference, { signal: aborting.signal });
    const reading = new Response(stream).arrayBuffer();
    aborting.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    await expect(fetchDocument(reference, { signal: aborting.signal })).rejects.toThrow('enough');
  });
});

describe('a download that was left behind', () => {
  const have = [BYTES.subarray(0, 60_000), BYTES.subarray(60_000, 120_000)];

  it('is taken up where it ended, and its beginning is checked with the rest', async () => {
    const { asked, reference } = await serving(part());
    expect((await bytesOf(reference, { have })).equals(BYTES.subarray(120_000))).toBe(true);
    expect(asked.map(({ range }) => range)).toEqual(['bytes=120000-']);
    const wrong = bytesOf(reference, { have: [Buffer.alloc(60_000), have[1]!] });
    await expect(wrong).rejects.toMatchObject({ code: 'document-changed' });
  });

  it('and is whole already is only checked', async () => {
    const { asked, reference } = await serving(part());
    expect(await bytesOf(reference, { have: [BYTES] })).toHaveLength(0);
    await expect(bytesOf(reference, { have: [Buffer.alloc(300_000)] })).rejects.toMatchObject({
      code: 'document-changed',
    });
    expect(asked).toEqual([]);
    await expect(bytesOf(reference, { have: [BYTES, have[0]!] })).rejects.toMatchObject({ code: 'document-changed' });
  });
});
