import { guardRoutes } from '@heddle/auth';
import { createLog } from '@heddle/runtime';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TrialGuard, callerFor } from '../identity/identity-trial.js';
import { TrialQueue } from './websocket/queue-trial.js';
import type { Doors, OpenProtocol } from './protocol.js';
import { protocols } from './protocols.js';
import { Sessions } from './sessions.js';

let server: FastifyInstance;
let guard: TrialGuard;
let sessions: Sessions;
let open: OpenProtocol[];
let routes: { method: string; url: string }[];

beforeEach(() => {
  server = Fastify();
  guard = new TrialGuard();
  guardRoutes(server, guard);
  routes = [];
  server.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, url: url.replace(':name', 'orders') });
  });
  sessions = new Sessions(guard);
  const doors = { server, queues: new TrialQueue(), guard, sessions, log: createLog('test', 'silent') };
  open = protocols.map((protocol) => protocol.open(doors as unknown as Doors));
});

afterEach(async () => {
  await Promise.all(open.map(async (protocol) => protocol.close()));
  sessions.stop();
  await server.close();
});

it('every door of every protocol asks who comes in, and what that one may', async () => {
  await server.ready();
  expect(routes.length).toBeGreaterThan(protocols.length);
  const nothing = guard.bearerFor(callerFor('local', ['manage:client:x']));
  for (const { method, url } of routes) {
    const ask = (authorization?: string) =>
      server.inject({ method: method as 'GET', url, headers: authorization === undefined ? {} : { authorization } });
    expect([url, (await ask()).statusCode, (await ask('Bearer no.such.token')).statusCode]).toEqual([url, 401, 401]);
    expect([url, (await ask(nothing)).statusCode]).toEqual([url, 403]);
  }
});

it('a route that does not state who may use it stops the start', () => {
  expect(() => server.get('/v1/anything', () => 'open to all')).toThrow('does not state who may use it');
  expect(() => server.get('/v1/stated', { config: { access: 'client' } }, () => 'known')).not.toThrow();
});
