import { type Server, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loopbackNetwork } from '../../network/network-trial.js';
import { type Identity, identity } from './certificate-trial.js';
import { Credentials, tlsIdentity } from './credentials.js';
import { oneRequest } from './one-request.js';
import type { MadeRequest } from './request-maker.js';
import type { ReceiverParts } from './webhook-receiver.js';
import { WebhookReceivers } from './webhook-receivers.js';
import type { WebhookDefinition } from './webhook.js';
import { webhookShape } from './webhook.shape.js';

const [receiver, ours, stranger] = [identity('receiver'), identity('heddle'), identity('stranger')];
let server: Server;
let url: string;
let callers: string[];
let asked: { authorization: string | undefined; form: string }[];

beforeAll(async () => {
  callers = [];
  asked = [];
  server = createServer(
    {
      cert: receiver.certificate,
      key: receiver.privateKey,
      ca: ours.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject;
      callers.push(CN);
      let form = '';
      request.on('data', (chunk: Buffer) => (form += chunk.toString()));
      request.on('end', () => {
        asked.push({ authorization: request.headers.authorization, form });
        if (!form.startsWith('grant_type=')) return response.writeHead(204).end();
        return response.writeHead(200).end(JSON.stringify({ access_token: `of-${CN}`, token_type: 'Bearer' }));
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('a receiver that wants a certificate sees ours, and ours is all it lets in', async () => {
  expect(await call(ours, receiver.certificate)).toBe(204);
  expect(callers).toEqual(['heddle']);
  await expect(call(stranger, receiver.certificate)).rejects.toThrow();
  await expect(call(undefined, receiver.certificate)).rejects.toThrow();
  expect(callers).toEqual(['heddle']);
});

it('a delivery shows our certificate, and one without it fails as a matter of TLS or connection', async () => {
  const receivers = new WebhookReceivers({ network: loopbackNetwork() } as ReceiverParts);
  const request = { path: '/', headers: [], body: Buffer.from('{}') } as unknown as MadeRequest;
  const attempt = (who: Identity) => {
    const auth = { mtls: { ...who, ca: receiver.certificate } };
    return receivers.attempt(
      { url, auth, delivery: { maxInFlight: 1, timeoutMs: 5000 } } as WebhookDefinition,
      request,
    );
  };
  expect(await attempt(ours)).toMatchObject({ status: 204 });
  expect(callers.at(-1)).toBe('heddle');
  expect(await attempt(stranger)).toMatchObject({ status: 0 });
});

it('a token is had by the certificate of a client, which is named in the form and shows nothing else', async () => {
  const mtls = { ...ours, ca: receiver.certificate };
  const client = { tokenUrl: url, clientId: 'heddle', scope: 'events.write' };
  const credentials = new Credentials({ oauth2: { ...client, mtls } }, loopbackNetwork());
  await credentials.ready();
  expect(credentials.token).toBe('Bearer of-heddle');
  expect(asked.at(-1)).toEqual({
    authorization: undefined,
    form: 'grant_type=client_credentials&client_id=heddle&scope=events.write',
  });
  const other = { ...client, mtls: { ...mtls, ...stranger } };
  await expect(new Credentials({ oauth2: other }, loopbackNetwork()).ready()).rejects.toMatchObject({
    code: 'credentials-unavailable',
  });
});

it('a receiver is not spoken to that nobody vouches for', async () => {
  await expect(call(ours, undefined)).rejects.toThrow(/self-signed|certificate/i);
  await expect(call(ours, stranger.certificate)).rejects.toThrow(/self-signed|certificate/i);
});

it('a certificate is refused that is none, is over, or has another key', () => {
  const expired = identity('heddle', { days: -1 });
  const cases: [mtls: object, field: string | undefined][] = [
    [ours, undefined],
    [{ ...ours, ca: receiver.certificate }, undefined],
    [{ ...ours, privateKey: '•••' }, undefined],
    [expired, 'auth.mtls.certificate'],
    [{ ...ours, privateKey: stranger.privateKey }, 'auth.mtls.privateKey'],
    [{ ...ours, privateKey: 'no key' }, 'auth.mtls.privateKey'],
    [{ ...ours, ca: 'no certificate' }, 'auth.mtls.ca'],
  ];
  for (const [mtls, field] of cases) {
    const outcome = webhookShape.safeParse({ url: 'https://receiver.test/', types: ['a.*'], auth: { mtls } });
    expect(outcome.error?.issues.map(({ path }) => path.join('.'))).toEqual(field === undefined ? undefined : [field]);
  }
});

async function call(who: Identity | undefined, ca: string | undefined): Promise<number> {
  const auth = who === undefined ? {} : { mtls: { ...who, ...(ca === undefined ? {} : { ca }) } };
  const tls = tlsIdentity(auth);
  // Without a certificate of ours the receiver is still known, so that it is the one that refuses.
  const trust = tls ?? (ca === undefined ? undefined : { ca });
  const { status } = await oneRequest(url, {
    method: 'POST',
    headers: {},
    tls: trust as never,
    network: loopbackNetwork(),
    timeoutMs: 5000,
  });
  return status;
}
