import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';

const ROOT = '/sap/opu/odata/sap/API_BUSINESS_PARTNER';
const admin = callerFor();

let trial: GatewayTrial;
let owner: Server;
let asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  owner = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      asked.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(owner.address() as AddressInfo).port}`;
  trial = await GatewayTrial.start({ OWNER_URLS: `business-partner=${url}` });
});

beforeEach(() => {
  asked = [];
  answer = (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json', etag: 'W/"3"', 'set-cookie': 'x=1' }).end('{"d":{}}');
});

afterAll(async () => {
  await trial.stop();
  owner.closeAllConnections();
  await new Promise((resolve) => owner.close(resolve));
});

/** One token for each, as a client has it for a while. */
const bearers = new Map<unknown, string>();
function bearerOf(caller: typeof admin): string {
  const bearer = bearers.get(caller) ?? trial.guard.bearerFor(caller);
  bearers.set(caller, bearer);
  return bearer;
}

const call = (method: string, path: string, headers: Record<string, string> = {}, body?: string, caller = admin) =>
  fetch(trial.url + path, {
    method,
    headers: { authorization: bearerOf(caller), accept: 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  });

const errorOf = async (response: Response): Promise<{ code: string; message: { value: string } }> =>
  ((await response.json()) as { error: { code: string; message: { value: string } } }).error;

describe('OData at the gateway', () => {
  it('is handed on to the owner whole, in the name of who asks, and answered with what that says', async () => {
    const path = `${ROOT}/A_BusinessPartner('1')?$expand=to_Customer%2Fx&version=3`;
    const response = await call('GET', path, { 'if-none-match': 'W/"2"', 'x-secret': '1', cookie: 'a=b' });
    expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([200, 'W/"3"', '{"d":{}}']);
    expect(response.headers.get('set-cookie')).toBeNull();
    const [request] = asked;
    expect(request).toMatchObject({
      method: 'GET',
      url: path,
      headers: {
        authorization: 'Bearer token for tester',
        'if-none-match': 'W/"2"',
        'x-forwarded-host': new URL(trial.url).host,
        'x-forwarded-proto': 'http',
      },
    });
    expect(Object.keys(request!.headers)).not.toEqual(expect.arrayContaining(['x-secret']));
    expect(request!.headers.cookie).toBeUndefined();
  });

  it('changes with the token that a read was given, and with no other; what was changed is in the audit', async () => {
    const read = await call('GET', `${ROOT}/`, { 'x-csrf-token': 'Fetch' });
    const token = read.headers.get('x-csrf-token')!;
    const json = { 'content-type': 'application/json', 'if-match': '*' };
    for (const wrong of ['', 'Fetch', 'x']) {
      const refused = await call('PATCH', `${ROOT}/A_BusinessPartner('1')`, { ...json, 'x-csrf-token': wrong }, '{}');
      expect([refused.status, refused.headers.get('x-csrf-token')]).toEqual([403, 'Required']);
      expect((await errorOf(refused)).message.value).toContain('CSRF');
    }
    asked = [];
    answer = (_request, response) => response.writeHead(204, { etag: 'W/"4"' }).end();
    const done = await call(
      'PATCH',
      `${ROOT}/A_BusinessPartner('1')`,
      { ...json, 'x-csrf-token': token },
      '{"FirstName":"ä"}',
    );
    expect([done.status, done.headers.get('etag')]).toEqual([204, 'W/"4"']);
    expect(asked[0]).toMatchObject({ method: 'PATCH', body: '{"FirstName":"ä"}', headers: { 'if-match': '*' } });
    // The one that goes with the token that this was asked with, not the client's.
    expect(asked[0]!.headers['x-csrf-token']).not.toBe(token);
    await vi.waitFor(
      async () => {
        const { json: audit } = await trial.ask(admin, 'GET', '/v1/audit');
        const entries = audit['entries'] as { action: string; target: string; result: string }[];
        expect(entries).toContainEqual(
          expect.objectContaining({ action: 'object.change', target: 'odata/API_BUSINESS_PARTNER', result: 'done' }),
        );
      },
      { timeout: 10_000 },
    );
  });

  it('is asked for its methods, and for the token by HEAD, as clients do before they change anything', async () => {
    answer = (_request, response) => response.writeHead(204, { allow: 'OPTIONS, GET, HEAD, POST' }).end();
    const methods = await call('OPTIONS', `${ROOT}/A_BusinessPartner`);
    expect([methods.status, methods.headers.get('allow')]).toEqual([204, 'OPTIONS, GET, HEAD, POST']);
    answer = (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"d":{}}');
    for (const path of [`${ROOT}/`, ROOT]) {
      const head = await call('HEAD', path, { 'x-csrf-token': 'Fetch' });
      expect([path, head.status, await head.text()]).toEqual([path, 200, '']);
      const get = await call('GET', path, { 'x-csrf-token': 'Fetch' });
      expect(head.headers.get('x-csrf-token')).toBe(get.headers.get('x-csrf-token'));
    }
    expect(asked.map(({ method }) => method)).toEqual(['OPTIONS', 'HEAD', 'GET', 'HEAD', 'GET']);
  });

  it('is for whoever may fetch, and changes for whoever may publish what they raise, besides', async () => {
    const reader = callerFor('local', ['fetch:type:sap.s4.beh.businesspartner.*'], 'reader');
    const read = await call('GET', `${ROOT}/`, { 'x-csrf-token': 'Fetch' }, undefined, reader);
    expect(read.status).toBe(200);
    const headers = { 'x-csrf-token': read.headers.get('x-csrf-token')!, 'content-type': 'application/json' };
    const refused = await call('POST', `${ROOT}/A_BusinessPartner`, headers, '{}', reader);
    expect((await errorOf(refused)).message.value).toContain('publish:type:sap.s4.beh.businesspartner');
    // What a batch changes is asked for by the owner, which sees it.
    answer = (_request, response) =>
      response.writeHead(202, { 'content-type': 'multipart/mixed; boundary=x' }).end('--x--');
    expect((await call('POST', `${ROOT}/$batch`, headers, '--b--', reader)).status).toBe(202);
    const nobody = await call('GET', `${ROOT}/`, {}, undefined, callerFor('local', ['consume:type:*'], 'other'));
    expect([nobody.status, (await errorOf(nobody)).code]).toEqual([403, 'permission-missing']);
    expect((await call('GET', `${ROOT}/`, {}, undefined, callerFor('acme', ['*'], 'stranger'))).status).toBe(404);
    expect(await errorOf(await call('GET', '/sap/opu/odata/sap/NONE/'))).toMatchObject({ code: 'not-found' });
  });

  it('says in the shape of V2 that its owner is away, or in disorder, and answers again when it is not', async () => {
    answer = (request) => void request.socket.destroy();
    const away = await call('GET', `${ROOT}/A_BusinessPartner`);
    expect([away.status, away.headers.get('retry-after'), (await errorOf(away)).code]).toEqual([
      503,
      '1',
      'owner-unavailable',
    ]);
    answer = (_request, response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('stack');
    const broken = await call('GET', `${ROOT}/A_BusinessPartner`, { accept: 'application/atom+xml' });
    expect([broken.status, await broken.text()]).toEqual([
      503,
      expect.stringContaining('<code>owner-unavailable</code>'),
    ]);
    answer = (_request, response) =>
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{}}');
    expect((await call('GET', `${ROOT}/A_BusinessPartner('9')`)).status).toBe(404);
  });
});
