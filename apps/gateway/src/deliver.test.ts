import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { type RequestListener, type Server, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, type Server as TcpServer, type Socket, createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loopbackNetwork } from './network/network-trial.js';
import { type Attempt, type AttemptOutcome, Endpoint, type EndpointOptions, judge, retryAfterMs } from './deliver.js';

const REQUEST: Attempt = { path: '/hook?a=1', headers: ['x-one', '1'], body: Buffer.from('{"n":1}') };

const servers: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();
const endpoints: Endpoint[] = [];

afterEach(async () => {
  for (const endpoint of endpoints.splice(0)) endpoint.close();
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server | TcpServer): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function endpointAt(origin: string, options: Partial<EndpointOptions> = {}): Endpoint {
  const endpoint = new Endpoint(origin, { network: loopbackNetwork(), ...options });
  endpoints.push(endpoint);
  return endpoint;
}

function attempt(endpoint: Endpoint, request = REQUEST): Promise<AttemptOutcome> {
  return new Promise((resolve) => endpoint.attempt(request, { ended: resolve }));
}

async function attemptAt(listener: RequestListener, timeoutMs?: number): Promise<AttemptOutcome> {
  const origin = `http://${await listen(createServer(listener))}`;
  return attempt(endpointAt(origin, { timeoutMs }));
}

/** Answers with bytes of one's own once something was sent. */
async function attemptAtRaw(answer: (socket: Socket) => void, timeoutMs?: number): Promise<AttemptOutcome> {
  const server = createTcpServer((socket) => socket.once('data', () => answer(socket)));
  return attempt(endpointAt(`http://${await listen(server)}`, { timeoutMs }));
}

describe('an attempt', () => {
  it('is done when the receiver says 2xx, and is made with the path, headers and bytes given', async () => {
    const seen: unknown[] = [];
    const outcome = await attemptAt((request, response) => {
      request.on('data', (bytes: Buffer) =>
        seen.push(request.method, request.url, request.headers['x-one'], bytes.toString()),
      );
      request.on('end', () => response.writeHead(204).end());
    });
    expect(seen).toEqual(['POST', '/hook?a=1', '1', '{"n":1}']);
    expect(judge(outcome)).toEqual({ done: true });
    expect(outcome).toMatchObject({ status: 204, sent: true });
    expect(outcome.error).toBeUndefined();
    expect(outcome.connectMs).toBeGreaterThan(0);
    expect(outcome.firstByteMs).toBeGreaterThanOrEqual(outcome.connectMs!);
    expect(outcome.totalMs).toBeGreaterThanOrEqual(outcome.firstByteMs!);
  });

  it('goes over the connection of the one before, also when that one begins it, and over a new one where it was closed', async () => {
    const ports: number[] = [];
    const server = createServer((request, response) => {
      ports.push(request.socket.remotePort!);
      if (ports.length === 3) response.setHeader('connection', 'close');
      response.end();
    });
    const endpoint = endpointAt(`http://${await listen(server)}`);
    const outcomes = await new Promise<AttemptOutcome[]>((resolve) => {
      const ended: AttemptOutcome[] = [];
      const listener = {
        ended(outcome: AttemptOutcome) {
          ended.push(outcome);
          if (ended.length === 4) resolve(ended);
          else endpoint.attempt(REQUEST, listener);
        },
      };
      endpoint.attempt(REQUEST, listener);
    });
    expect(outcomes.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(outcomes.map(({ connectMs }) => connectMs !== undefined)).toEqual([true, false, false, true]);
    expect(new Set(ports.slice(0, 3)).size).toBe(1);
    expect(ports[3]).not.toBe(ports[0]);
  });

  it('is not done by a redirect, which is not followed', async () => {
    let requests = 0;
    const outcome = await attemptAt((_request, response) => {
      requests += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(judge(outcome)).toMatchObject({ done: false, reason: 'status 302: redirects are not followed' });
    expect(requests).toBe(1);
  });

  it('disables the endpoint when the receiver says 410', async () => {
    const gone = judge(await attemptAt((_request, response) => response.writeHead(410).end()));
    expect(gone).toMatchObject({ done: false, disable: true });
    const missing = judge(await attemptAt((_request, response) => response.writeHead(404).end()));
    expect(missing).toMatchObject({ done: false, disable: false, blame: 'event', reason: 'status 404' });
  });

  it('pauses the endpoint when 429 or 503 asks for it, and no other status', async () => {
    const verdictOf = async (status: number): Promise<unknown> =>
      judge(await attemptAt((_request, response) => response.writeHead(status, { 'retry-after': '7' }).end()));
    expect(await verdictOf(429)).toMatchObject({ pauseMs: 7000, overloaded: true, blame: 'pace' });
    expect(await verdictOf(503)).toMatchObject({ pauseMs: 7000, overloaded: true, blame: 'endpoint' });
    expect(await verdictOf(500)).toMatchObject({ pauseMs: 0, overloaded: false, blame: 'endpoint' });
  });

  it('says of 400 and 415 what they mean', async () => {
    const reasons = [];
    for (const status of [400, 415]) {
      const verdict = judge(await attemptAt((_request, response) => response.writeHead(status).end()));
      if (!verdict.done) reasons.push(verdict.reason);
    }
    expect(reasons).toEqual([
      'status 400: the receiver does not understand the request',
      'status 415: the receiver does not take this content type',
    ]);
  });

  it('ends when a receiver does not answer in time', async () => {
    const outcome = await attemptAt(() => undefined, 200);
    expect(outcome).toMatchObject({ status: 0, sent: true, error: { class: 'timeout' } });
    expect(judge(outcome)).toMatchObject({ done: false, overloaded: true, blame: 'endpoint' });
    expect(outcome.totalMs).toBeGreaterThanOrEqual(200);
    expect(outcome.totalMs).toBeLessThan(2000);
  });

  it('ends when an answer drips without end, and is not done although that began with 200', async () => {
    let timer: NodeJS.Timeout | undefined;
    const outcome = await attemptAt((_request, response) => {
      response.writeHead(200);
      timer = setInterval(() => response.write('.'), 10);
    }, 200);
    clearInterval(timer);
    expect(judge(outcome)).toMatchObject({
      done: false,
      errorClass: 'timeout',
      reason: 'timeout: no complete answer within 0.2 s (after status 200)',
    });
  });

  it('takes the status of a receiver that goes on talking, and hangs up after 64 KiB', async () => {
    let closed = false;
    let written = 0;
    const outcome = await attemptAt((_request, response) => {
      response.on('close', () => (closed = true));
      response.writeHead(200);
      const talk = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) written += 16_384;
      };
      response.on('drain', talk);
      talk();
    });
    expect(judge(outcome)).toEqual({ done: true });
    await vi.waitFor(() => expect(closed).toBe(true), { timeout: 10_000 });
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  it('is not done when the answer is cut off', async () => {
    const outcome = await attemptAtRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal', () => socket.resetAndDestroy());
    });
    expect(outcome).toMatchObject({ status: 200, sent: true, error: { class: 'reset' } });
    expect(judge(outcome)).toMatchObject({ done: false, errorClass: 'reset', overloaded: false });
  });

  it('is not done when the answer is no HTTP', async () => {
    const outcome = await attemptAtRaw((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    expect(judge(outcome)).toMatchObject({ done: false, errorClass: 'response', blame: 'endpoint' });
  });

  it('never left when nobody listens', async () => {
    const server = createTcpServer();
    const address = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const outcome = await attempt(endpointAt(`http://${address}`));
    expect(outcome).toMatchObject({ sent: false, error: { class: 'connect', detail: 'ECONNREFUSED' } });
    expect(judge(outcome)).toMatchObject({ done: false, blame: 'connection', overloaded: true });
  });

  it('never left when no connection comes about in time', async () => {
    const network = loopbackNetwork({ resolve: () => new Promise(() => undefined) });
    const outcome = await attempt(endpointAt('http://receiver.test', { timeoutMs: 200, network }));
    expect(outcome).toMatchObject({ sent: false, error: { class: 'connect', detail: 'no connection within 0.2 s' } });
  });

  it('goes where the network lets it, and nowhere when that refuses', async () => {
    const port = (await listen(createServer((_request, response) => response.end()))).split(':')[1];
    const origin = `http://receiver.test:${port}`;
    const at = (address: string) => loopbackNetwork({ resolve: async () => [{ address, family: 4 }] });
    expect(judge(await attempt(endpointAt(origin, { network: at('127.0.0.1') })))).toEqual({ done: true });
    const refused = {
      class: 'refused-address',
      detail: 'The host receiver.test has an address that webhooks may not point to.',
    };
    const outcome = await attempt(endpointAt(origin, { network: at('10.0.0.1') }));
    expect(outcome).toMatchObject({ sent: false, error: refused });
    expect(judge(outcome)).toMatchObject({ done: false, disable: false, blame: 'connection' });
    expect(await attempt(endpointAt(origin))).toMatchObject({ error: { class: 'dns', detail: 'ENOTFOUND' } });
  });

  it('is the fault of what is sent when it cannot be made a request', async () => {
    const endpoint = endpointAt('http://127.0.0.1:1');
    const outcome = await attempt(endpoint, { ...REQUEST, headers: ['x-one', 'a\nb'] });
    expect(outcome).toMatchObject({ sent: false, error: { class: 'internal' } });
    expect(judge(outcome)).toMatchObject({ done: false, blame: 'event', overloaded: false });
  });

  it('keeps the beginning of a refusal, without what could harm a log, and nothing of a success', async () => {
    const refusal = await attemptAt((_request, response) => {
      response.writeHead(422).end(`no\r\n\u001b[31mfield\u2028${'x'.repeat(5000)}ü`);
    });
    expect(refusal.excerpt).toMatch(/^no \n \[31mfield x+$/);
    expect(Buffer.byteLength(refusal.excerpt!)).toBeLessThanOrEqual(1024);
    const binary = await attemptAt((_request, response) => response.writeHead(500).end(Buffer.from([1, 0, 2])));
    expect(binary.excerpt).toBeUndefined();
    expect((await attemptAt((_request, response) => response.end('thank you'))).excerpt).toBeUndefined();
  });
});

it('an endpoint that is closed cuts off what is under way, tells it, and takes nothing more', async () => {
  let requests = 0;
  const endpoint = endpointAt(`http://${await listen(createServer(() => (requests += 1)))}`);
  const outcomes: AttemptOutcome[] = [];
  endpoint.attempt(REQUEST, { ended: (outcome) => outcomes.push(outcome) });
  await vi.waitFor(() => expect(requests).toBe(1), { timeout: 10_000 });
  endpoint.close();
  expect(outcomes).toMatchObject([{ abandoned: true, sent: true }]);
  expect(await attempt(endpoint)).toMatchObject({ abandoned: true, sent: false });
  expect(requests).toBe(1);
});

it('an endpoint that is retired lets end what is under way', async () => {
  const answers: (() => void)[] = [];
  const server = createServer((_request, response) => answers.push(() => response.end()));
  const endpoint = endpointAt(`http://${await listen(server)}`);
  const outcome = attempt(endpoint);
  await vi.waitFor(() => expect(answers).toHaveLength(1), { timeout: 10_000 });
  endpoint.retire();
  expect(await attempt(endpoint)).toMatchObject({ abandoned: true });
  answers[0]!();
  expect(judge(await outcome)).toEqual({ done: true });
  await vi.waitFor(() => expect(sockets.size).toBe(0), { timeout: 10_000 });
});

describe('over TLS', () => {
  const ours = selfSigned('gateway');
  const theirs = selfSigned('receiver');

  it('a receiver whose certificate nobody vouches for gets nothing', async () => {
    let requests = 0;
    const server = createSecureServer(theirs, (_request, response) => {
      requests += 1;
      response.end();
    });
    const origin = `https://${await listen(server)}`;
    const refused = await attempt(endpointAt(origin));
    expect(refused).toMatchObject({ sent: false, error: { class: 'tls', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    expect(requests).toBe(0);
    expect(judge(await attempt(endpointAt(origin, { tls: { ca: theirs.cert } })))).toEqual({ done: true });
  });

  it('a receiver that asks who is there sees the certificate of the webhook, and refuses without it', async () => {
    const names: unknown[] = [];
    const options = { ...theirs, ca: ours.cert, requestCert: true, rejectUnauthorized: true };
    const server = createSecureServer(options, (request, response) => {
      names.push((request.socket as TLSSocket).getPeerCertificate().subject.CN);
      response.end();
    });
    const origin = `https://${await listen(server)}`;
    expect(judge(await attempt(endpointAt(origin, { tls: { ca: theirs.cert, ...ours } })))).toEqual({ done: true });
    expect(names).toEqual(['gateway']);
    const unknown = judge(await attempt(endpointAt(origin, { tls: { ca: theirs.cert } })));
    expect(unknown).toMatchObject({ done: false });
    expect(names).toHaveLength(1);
  });
});

it('Retry-After is read as seconds or as a date, and bounded to a day', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('120', now)).toBe(120_000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
  expect(retryAfterMs('999999999', now)).toBe(86_400_000);
  for (const nothing of [undefined, 'soon', '-5', 'Wed, 31 Dec 2025 23:00:00 GMT']) {
    expect(retryAfterMs(nothing, now)).toBe(0);
  }
});

/** A certificate for 127.0.0.1 that vouches for itself, as DER by hand (RFC 5280 §4.1): Node only reads them. */
function selfSigned(name: string): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
  const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const subject = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
  const validity = sequence(der(0x17, Buffer.from('250101000000Z')), der(0x17, Buffer.from('491231235959Z')));
  const isAuthority = sequence(oid('551d13'), der(0x04, sequence(der(0x01, Buffer.from([255])))));
  const addresses = sequence(oid('551d11'), der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1])))));
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    subject,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(isAuthority, addresses)),
  );
  const signature = sign('sha256', signed, createPrivateKey(key));
  const certificate = sequence(signed, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return { key, cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` };
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
