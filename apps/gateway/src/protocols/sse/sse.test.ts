import { type IncomingMessage, get } from 'node:http';
import { type Caller, guardRoutes } from '@heddle/auth';
import { createLog } from '@heddle/runtime';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TrialGuard, callerFor } from '../../identity/identity-trial.js';
import { TrialStreams } from '../../streams/streams-trial.js';
import type { Doors, OpenProtocol } from '../protocol.js';
import { Sessions } from '../sessions.js';
import { sse } from './sse.protocol.js';

const SOON = { timeout: 10_000 };

let trial: TrialStreams;
let server: FastifyInstance;
let guard: TrialGuard;
let sessions: Sessions;
let open: OpenProtocol;
let url: string;

beforeEach(async () => {
  trial = await TrialStreams.start();
  server = Fastify();
  guard = new TrialGuard();
  guardRoutes(server, guard);
  sessions = new Sessions(guard, undefined, { graceMs: 50, sweepMs: 5, endingMs: 1000 });
  const doors = { server, streams: trial.streams, guard, sessions, log: createLog('test', 'silent') };
  open = sse.open(doors as unknown as Doors);
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});

afterEach(async () => {
  await open.close();
  sessions.stop();
  await trial.close();
  server.server.closeAllConnections();
  await server.close();
});

interface Connection {
  text: string;
  isOver: boolean;
}

async function connect(caller: Caller, query = ''): Promise<Connection> {
  const headers = { authorization: guard.bearerFor(caller) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/v1/stream${query}`, { headers, agent: false }, resolve).once('error', reject);
  });
  expect(response.statusCode).toBe(200);
  const connection = { text: '', isOver: false };
  response.setEncoding('utf8').on('data', (chunk: string) => (connection.text += chunk));
  response.once('close', () => (connection.isOver = true));
  return connection;
}

async function refusal(caller: Caller | undefined, query = ''): Promise<unknown> {
  const headers = caller === undefined ? {} : { authorization: guard.bearerFor(caller) };
  const answer = await fetch(`${url}/v1/stream${query}`, { headers });
  return { status: answer.status, ...((await answer.json()) as object) };
}

it('a stream carries what its client may consume, to whoever is known', async () => {
  expect(await refusal(undefined)).toMatchObject({ status: 401, code: 'token-missing' });
  expect(await refusal(callerFor('local', ['publish:type:*']))).toMatchObject({ status: 403 });
  const some = callerFor('local', ['consume:type:heddle.contract.*']);
  expect(await refusal(some, '?types=sap.s4.*')).toMatchObject({
    status: 403,
    code: 'permission-missing',
    detail: expect.stringContaining('consume:type:sap.s4.*') as string,
  });
  const connection = await connect(some);
  await trial.publish(callerFor('acme'), 'K', 'foreign');
  await trial.publish(callerFor(), 'K', 'own');
  await vi.waitFor(() => expect(connection.text).toContain('"id":"own"'), SOON);
  expect(connection.text).not.toContain('foreign');
});

it('a token in the URL is refused, although another one is in the header', async () => {
  expect(await refusal(callerFor(), '?access_token=x')).toMatchObject({
    status: 400,
    field: 'access_token',
    detail: expect.stringContaining('Authorization: Bearer') as string,
  });
});

it('a stream ends soon after its token, saying so, and goes on with another one after the last event', async () => {
  const first = await connect({ ...callerFor(), expiresAt: Date.now() + 300 });
  await trial.publish(callerFor(), 'K', 'e1');
  await vi.waitFor(() => expect(first.isOver).toBe(true), SOON);
  expect(first.text).toMatch(/"id":"e1".*\n\n: expired, .*\n\n$/s);
  await trial.publish(callerFor(), 'K', 'e2');
  const token = [...first.text.matchAll(/^id: (.*)$/gm)].at(-1)![1]!;
  const second = await connect(callerFor(), `?resume=${token}`);
  await vi.waitFor(() => expect(second.text).toContain('"id":"e2"'), SOON);
  expect(second.text).not.toContain('"id":"e1"');
});

it('a stream ends when the rights of its client are taken, and nothing is written to it any more', async () => {
  const [taken, other] = [callerFor('local', ['*'], 'taken'), callerFor('local', ['*'], 'other')];
  const [ends, goesOn] = [await connect(taken), await connect(other)];
  guard.revoke(taken);
  await trial.publish(callerFor(), 'K', 'e1');
  await vi.waitFor(() => expect([ends.isOver, goesOn.text.includes('"id":"e1"')]).toEqual([true, true]), SOON);
  expect(ends.text).toMatch(/: revoked, .*\n\n$/);
  expect(ends.text).not.toContain('"id":"e1"');
  await vi.waitFor(() => expect([sessions.size, trial.streams.counts.open]).toEqual([1, 1]), SOON);
});
