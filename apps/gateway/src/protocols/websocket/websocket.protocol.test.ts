import { createLog } from '@heddle/runtime';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { guardRoutes } from '@heddle/auth';
import { TrialGuard, callerFor } from '../../identity/identity-trial.js';
import type { Doors, OpenProtocol } from '../protocol.js';
import { Sessions } from '../sessions.js';
import { TrialQueue } from './queue-trial.js';
import { websocket } from './websocket.protocol.js';

let server: FastifyInstance;
let open: OpenProtocol;
let url: string;
let sessions: Sessions;
let headers: { authorization: string };

beforeEach(async () => {
  server = fastify();
  const guard = new TrialGuard();
  guardRoutes(server, guard);
  headers = { authorization: guard.bearerFor(callerFor()) };
  sessions = new Sessions(guard);
  const queue = new TrialQueue();
  const doors = { server, queues: { open: () => queue }, guard, sessions, log: createLog('test', 'silent') };
  open = websocket.open(doors as unknown as Doors);
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});

afterEach(async () => {
  await open.close();
  sessions.stop();
  await server.close();
});

it('who asks for a queue without an upgrade is told to upgrade', async () => {
  const answer = await fetch(`${url}/v1/queues/orders/connect`, { headers });
  expect(answer.status).toBe(426);
  expect(answer.headers.get('upgrade')).toBe('websocket');
  expect(await answer.json()).toMatchObject({ code: 'upgrade-required', status: 426 });
});

it('a queue name that is none is refused before the handshake', async () => {
  const client = new WebSocket(`${url.replace('http', 'ws')}/v1/queues/Or%20ders/connect`, 'heddle.v1', { headers });
  const error = await new Promise<Error>((resolve) => client.once('error', resolve));
  expect(error.message).toContain('400');
});

it('closing it closes queues with their reason, and resolves when all clients are gone', async () => {
  const client = new WebSocket(`${url.replace('http', 'ws')}/v1/queues/orders/connect`, 'heddle.v1', { headers });
  await new Promise((resolve) => client.once('open', resolve));
  const closed = new Promise((resolve) => client.once('close', resolve));
  await open.close();
  expect(await closed).toBe(1001);
});
