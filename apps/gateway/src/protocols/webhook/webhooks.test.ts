import { callerFor } from '../../identity/identity-trial.js';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { slotOf } from '@heddle/event';
import { identity } from './certificate-trial.js';
import { publicKeyOf } from './secrets.js';
import { TYPE, VALID, WebhooksTrial, headersOf, queueAtWork, queueOf } from './webhooks-trial.js';
import { standstillOf } from './webhook.js';
import { testShape } from './webhook.shape.js';

const ADMIN = callerFor();

let trial: WebhooksTrial;

beforeEach(() => {
  trial = new WebhooksTrial();
});

afterEach(() => trial.webhooks.close());

it('a new webhook brings a queue, is stored before it works, and shows the secret made for it once', async () => {
  const { created, view, version } = await trial.put('hook', VALID);
  expect([created, version, view.state, view.types]).toEqual([true, 1, 'active', ['heddle.thing.*']]);
  expect(view.secret).toMatch(/^whsec_/);
  expect(trial.stored.get('hook')?.secrets).toMatchObject([{ secret: view.secret }]);
  expect(trial.working.get('hook')).toBe(trial.stored.get('hook'));
  expect(trial.webhooks.get(ADMIN, 'hook').view).not.toHaveProperty('secret');
  trial.isLogAway = true;
  await expect(trial.put('other', VALID)).rejects.toThrow('away');
  expect([trial.working.has('other'), trial.webhooks.list(ADMIN).length]).toEqual([false, 1]);
});

it('a change keeps what it leaves out of secrets, and is refused for another version than was read', async () => {
  const { view } = await trial.put('hook', VALID);
  const changed = await trial.put('hook', { ...VALID, url: 'https://receiver.test/other' }, { 'if-match': '"1"' });
  expect([changed.created, changed.version, changed.view.secrets]).toEqual([false, 2, view.secrets]);
  expect(changed.view).not.toHaveProperty('secret');
  const failed = { code: 'precondition-failed' };
  await expect(trial.put('hook', VALID, { 'if-match': '"1"' })).rejects.toMatchObject(failed);
  await expect(trial.put('hook', VALID, { 'if-none-match': '*' })).rejects.toMatchObject(failed);
  await expect(trial.put('none', VALID, { 'if-match': '*' })).rejects.toMatchObject(failed);
  expect((await trial.put('hook', VALID, { 'if-match': '"7", "2"' })).version).toBe(3);
});

it('a webhook may name a queue that is there, and several may name the same', async () => {
  const request = { url: VALID.url, queue: 'shared' };
  await expect(trial.put('a', request)).rejects.toMatchObject({ code: 'not-found', field: 'queue' });
  trial.queues.set('shared', queueOf('shared', false, ['x.*']));
  await expect(trial.put('a', request)).rejects.toMatchObject({ code: 'queue-elsewhere' });
  trial.atWork.set('shared', queueAtWork());
  await trial.put('a', request);
  await trial.put('b', request);
  expect(trial.webhooks.list(ADMIN).map(({ name, queue }) => [name, queue])).toEqual([
    ['a', 'shared'],
    ['b', 'shared'],
  ]);
  expect(trial.stored.get('a')).toMatchObject({ queue: 'shared', ownsQueue: false });
  await trial.webhooks.delete(ADMIN, 'a');
  expect(trial.queues.has('shared')).toBe(true);
  expect([...trial.working.keys()]).toEqual(['b']);
});

it('a webhook in binary mode cannot read a queue of shape state, whether it brings it or names it', async () => {
  const refused = { code: 'data-invalid', field: 'contentMode' };
  const binary = { url: VALID.url, queue: 'shared', contentMode: 'binary' };
  trial.queues.set('shared', { ...queueOf('shared', false, ['x.*']), shape: 'state' });
  trial.atWork.set('shared', queueAtWork());
  await expect(trial.put('a', binary)).rejects.toMatchObject(refused);
  expect(trial.stored.has('a')).toBe(false);
  await trial.put('a', { ...binary, contentMode: 'structured' });
  await expect(trial.put('a', binary)).rejects.toMatchObject(refused);
  await expect(trial.put('b', { ...VALID, shape: 'state', contentMode: 'binary' })).rejects.toMatchObject(refused);
  trial.queues.set('shared', queueOf('shared', false, ['x.*']));
  await trial.put('a', binary);
});

it('a webhook does not take over the queue of another, nor one that was there before under its name', async () => {
  await trial.put('hook', VALID);
  await expect(trial.put('thief', { url: VALID.url, queue: 'hook' })).rejects.toMatchObject({ code: 'conflict' });
  trial.queues.set('taken', queueOf('taken', false, ['x.*']));
  await expect(trial.put('taken', VALID)).rejects.toMatchObject({ code: 'conflict' });
  await expect(trial.put('hook', { url: VALID.url, queue: 'taken' })).rejects.toMatchObject({
    code: 'conflict',
    field: 'queue',
  });
});

it('a deleted webhook takes the queue it brought along', async () => {
  await trial.put('hook', VALID);
  await trial.webhooks.delete(ADMIN, 'hook');
  expect([trial.stored.size, trial.working.size, trial.queues.size]).toEqual([0, 0, 0]);
  expect(() => trial.webhooks.get(ADMIN, 'hook')).toThrow(expect.objectContaining({ code: 'not-found' }));
  await expect(trial.webhooks.delete(ADMIN, 'hook')).rejects.toMatchObject({ code: 'not-found' });
});

it('pause and resume change nothing else, and resume puts a disabled webhook back to work', async () => {
  await trial.put('hook', VALID);
  expect((await trial.webhooks.pause(ADMIN, 'hook')).view.state).toBe('paused');
  expect(standstillOf(trial.working.get('hook')!)).toBe('paused');
  expect((await trial.put('hook', VALID)).view.state).toBe('paused');
  await trial.webhooks.disable({ tenant: 'local', name: 'hook' }, 'status 410');
  await trial.webhooks.disable({ tenant: 'local', name: 'hook' }, 'status 410 again');
  expect(trial.webhooks.get(ADMIN, 'hook').view).toMatchObject({
    state: 'disabled',
    disabled: { reason: 'status 410' },
  });
  const { view } = await trial.webhooks.resume(ADMIN, 'hook');
  expect([view.state, view.paused, view.disabled]).toEqual(['active', false, undefined]);
  expect(trial.stored.get('hook')).toEqual(trial.working.get('hook'));
  expect(trial.operations.map(({ event }) => event)).toEqual([
    'webhook-created',
    'webhook-paused',
    'webhook-changed',
    'webhook-disabled',
    'webhook-resumed',
  ]);
});

it('rotation shows the new secret once, and both sign until the old one expires', async () => {
  const { view: first } = await trial.put('hook', VALID);
  const { view, version } = await trial.webhooks.rotate(ADMIN, 'hook', { kind: 'v1', overlapSeconds: 3600 });
  expect(version).toBe(2);
  expect(view.secret).not.toBe(first.secret);
  expect(view.secrets.map(({ expiresAt }) => expiresAt === undefined)).toEqual([true, false]);
  await trial.webhooks.test(ADMIN, 'hook', { type: TYPE });
  for (const secret of [first.secret!, view.secret!]) {
    expect(new Webhook(secret).verify(trial.sent[0]!.body, headersOf(trial.sent[0]!))).toHaveProperty('id');
  }
  expect(JSON.stringify(trial.webhooks.get(ADMIN, 'hook').view)).not.toContain(view.secret!.slice(6, 20));
});

it('a rotation to v1a shows the public key with which the receiver verifies', async () => {
  await trial.put('hook', VALID);
  const { view } = await trial.webhooks.rotate(ADMIN, 'hook', { kind: 'v1a', overlapSeconds: 0 });
  expect(view.secret).toMatch(/^whsk_/);
  expect(view.secrets.map(({ kind }) => kind)).toEqual(['v1a', 'v1']);
  expect(view.secrets[0]?.publicKey).toBe(publicKeyOf(view.secret!));
});

it('credentials are never shown again, and come back masked to stay as they are', async () => {
  const auth = { oauth2: { tokenUrl: 'https://id.test/token', clientId: 'me', clientSecret: 'secret-of-mine-123' } };
  const headers = { 'X-Team': 'sales', 'X-Token': 'a-token-that-is-long' };
  await trial.put('hook', { ...VALID, auth, headers });
  const { view } = trial.webhooks.get(ADMIN, 'hook');
  expect(JSON.stringify(view)).not.toMatch(/secret-of|a-token/);
  expect(view.auth).toMatchObject({ oauth2: { clientId: 'me', clientSecret: '•••-123' } });
  const secrets = view.secrets.map(({ secret }) => ({ secret }));
  const before = trial.stored.get('hook')!;
  await trial.put('hook', {
    ...VALID,
    url: 'https://receiver.test/2',
    auth: view.auth,
    headers: view.headers,
    secrets,
  });
  const { auth: kept, headers: keptHeaders, secrets: keptSecrets } = trial.stored.get('hook')!;
  expect([kept, keptHeaders, keptSecrets]).toEqual([before.auth, before.headers, before.secrets]);
  const other = { oauth2: { ...auth.oauth2, clientSecret: '•••-999' } };
  await expect(trial.put('hook', { ...VALID, auth: other })).rejects.toMatchObject({
    code: 'data-invalid',
    field: 'auth.oauth2.clientSecret',
  });
});

it('the key with which a token is asked for is never shown, and comes back masked to stay as it is', async () => {
  const [ours, others] = [identity('heddle'), identity('other')];
  const oauth2 = { tokenUrl: 'https://id.test/token', clientId: 'me', mtls: ours };
  await trial.put('hook', { ...VALID, auth: { oauth2 } });
  const { view } = trial.webhooks.get(ADMIN, 'hook');
  expect(JSON.stringify(view)).not.toContain('PRIVATE KEY');
  await trial.put('hook', { ...VALID, url: 'https://receiver.test/2', auth: view.auth });
  expect(trial.stored.get('hook')!.auth).toEqual({ oauth2 });
  const renewed = { oauth2: { ...oauth2, mtls: { ...others, privateKey: '•••' } } };
  await expect(trial.put('hook', { ...VALID, auth: renewed })).rejects.toMatchObject({
    code: 'data-invalid',
    field: 'auth.oauth2.mtls.privateKey',
  });
});

it('a test sends an example of a wanted type now, signed, marked, and past every queue', async () => {
  trial.statuses.push(503);
  const { view } = await trial.put('hook', VALID);
  await trial.webhooks.pause(ADMIN, 'hook');
  const tested = await trial.webhooks.test(ADMIN, 'hook', {});
  expect(headersOf(trial.sent[0]!)).toMatchObject({ 'heddle-test': 'true', 'heddle-attempt': '1' });
  expect(new Webhook(view.secret!).verify(trial.sent[0]!.body, headersOf(trial.sent[0]!))).toMatchObject({
    type: TYPE,
    subject: 'T1',
    data: { Thing: 'T1' },
  });
  expect(tested).toMatchObject({
    event: { type: TYPE, isSample: true },
    attempt: { delivered: false, status: 503, excerpt: 'busy', phases: { totalMs: 1.2 } },
  });
  expect(tested.request.headers).toContain('webhook-signature');
});

it('a test sends a stored event as it is, and says when there is none', async () => {
  await trial.put('hook', VALID);
  expect((await trial.webhooks.test(ADMIN, 'hook', { id: 'e1' })).event).toEqual({
    id: 'e1',
    type: TYPE,
    isSample: false,
  });
  await expect(trial.webhooks.test(ADMIN, 'hook', { id: 'e2' })).rejects.toMatchObject({
    code: 'not-found',
    field: 'id',
  });
  await trial.put('picky', { ...VALID, types: ['other.*'] });
  await expect(trial.webhooks.test(ADMIN, 'picky', {})).rejects.toMatchObject({ code: 'conflict', field: 'type' });
  expect(testShape.safeParse(undefined).data).toEqual({});
  expect(testShape.safeParse({ id: 'a', type: 'b' }).success).toBe(false);
});

it('a webhook of another instance is listed, and nothing else is done to it here', async () => {
  await trial.put('hook', VALID);
  trial.webhooks.onLost(slotOf('local', 'hook'));
  trial.atWork.clear();
  expect(trial.working.size).toBe(0);
  expect(trial.webhooks.list(ADMIN).map(({ name }) => name)).toEqual(['hook']);
  const elsewhere = expect.objectContaining({ code: 'queue-elsewhere', retryable: true });
  expect(() => trial.webhooks.get(ADMIN, 'hook')).toThrow(elsewhere);
  for (const change of [
    trial.put('hook', VALID),
    trial.webhooks.delete(ADMIN, 'hook'),
    trial.webhooks.pause(ADMIN, 'hook'),
  ]) {
    await expect(change).rejects.toEqual(elsewhere);
  }
  trial.takeOver(trial.stored.get('hook')!);
  expect(trial.webhooks.get(ADMIN, 'hook').view.state).toBe('active');
  expect(trial.working.has('hook')).toBe(true);
});
