import { HeddleError, problemOf } from '@heddle/event';
import { answerProblem, createLog } from '@heddle/runtime';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { type SapDoor, refuseLikeSap, sapError } from './sap-answer.js';

it.each<[code: ConstructorParameters<typeof HeddleError>[0], door: SapDoor, status: number, word: string]>([
  ['parameter-invalid', 'messaging', 400, 'BAD_REQUEST'],
  ['data-invalid', 'messaging', 400, 'BAD_REQUEST'],
  ['receiver-forbidden', 'management', 400, 'BAD_REQUEST'],
  ['token-invalid', 'messaging', 401, 'UNAUTHORIZED'],
  ['permission-missing', 'events', 403, 'FORBIDDEN'],
  ['not-found', 'management', 404, 'NOT_FOUND'],
  ['lease-expired', 'messaging', 404, 'NOT_FOUND'],
  ['conflict', 'messaging', 409, 'CONFLICT'],
  ['quota-exceeded', 'messaging', 409, 'QUOTA_EXCEEDED'],
  ['quota-exceeded', 'management', 409, 'QUOTA_EXCEEDED'],
  ['quota-exceeded', 'events', 422, 'SPOOL_LIMIT_EXCEEDED'],
  ['queue-full', 'messaging', 507, 'SPOOL_LIMIT_EXCEEDED'],
  ['queue-full', 'events', 422, 'SPOOL_LIMIT_EXCEEDED'],
  ['too-large', 'messaging', 413, 'PAYLOAD_TOO_LARGE'],
  ['rate-limited', 'events', 429, 'TOO_MANY_REQUESTS'],
  ['log-unavailable', 'messaging', 503, 'SERVICE_UNAVAILABLE'],
])('%s at the door of %s is %i %s, with the message and our code', (code, door, status, word) => {
  const error = new HeddleError(code, 'Why it is so.', { field: 'f' });
  expect(sapError(problemOf(error), door)).toEqual({
    status,
    body: { message: 'Why it is so.', code, error: { code: word, message: 'Why it is so.', field: 'f' } },
  });
});

it('whoever refuses at the routes of a scope does it in that form, and other answers stay what they are', async () => {
  const log = createLog('test', 'silent');
  const server = Fastify();
  server.addHook('onRequest', (request, reply, done) => {
    if (request.headers.authorization !== undefined) return done();
    return void answerProblem(reply, new HeddleError('token-missing', 'This needs an access token.'), log);
  });
  server.get('/outside', () => ({}));
  void server.register((scope, _options, ready) => {
    refuseLikeSap(scope, 'messaging', log);
    scope.get('/thrown', () => {
      throw new HeddleError('data-invalid', 'It is wrong.', { retryAfterSeconds: 3 });
    });
    scope.get('/fine', () => ({ message: 'fine' }));
    scope.post('/body', { bodyLimit: 3 }, () => ({}));
    ready();
  });
  const headers = { authorization: 'x' };
  const inside = await server.inject({ url: '/fine' });
  expect(inside.headers['content-type']).toBe('application/json');
  expect([inside.statusCode, inside.json()]).toMatchObject([401, { error: { code: 'UNAUTHORIZED' } }]);
  expect(inside.headers['www-authenticate']).toMatch(/^Bearer/);
  expect((await server.inject({ url: '/outside' })).json()).toMatchObject({ code: 'token-missing', status: 401 });
  const thrown = await server.inject({ url: '/thrown', headers });
  expect([thrown.statusCode, thrown.headers['retry-after']]).toEqual([400, '3']);
  expect((await server.inject({ url: '/fine', headers })).json()).toEqual({ message: 'fine' });
  const large = await server.inject({ method: 'POST', url: '/body', headers, payload: { more: 'than that' } });
  expect([large.statusCode, large.json()]).toMatchObject([413, { error: { code: 'PAYLOAD_TOO_LARGE' } }]);
  await server.close();
});
