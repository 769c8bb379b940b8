import { createLog } from '@heddle/runtime';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TrialGuard, callerFor } from '../../identity/identity-trial.js';
import { LIMIT_VALUES } from '../../limits/limit.settings.js';
import { Limits } from '../../limits/limits.js';
import type { Doors, OpenProtocol } from '../protocol.js';
import { Sessions } from '../sessions.js';
import { sse } from './sse.protocol.js';

let server: FastifyInstance;
let open: OpenProtocol;
let sessions: Sessions;
let url: string;
const limits = new Limits({ ...LIMIT_VALUES, limitClientConnections: 2 });

beforeEach(async () => {
  server = fastify({ forceCloseConnections: true });
  server.decorateRequest('caller', undefined);
  server.addHook('onRequest', (request, _reply, done) => {
    request.caller = callerFor();
    done();
  });
  sessions = new Sessions(new TrialGuard(), (caller, address) => limits.connect(caller, address));
  const streams = { open: () => ({ close: () => undefined }) };
  open = sse.open({ server, streams, limits, sessions, log: createLog('test', 'silent') } as unknown as Doors);
  url = `${await server.listen({ port: 0, host: '127.0.0.1' })}/v1/stream`;
});

afterEach(async () => {
  await open.close();
  sessions.stop();
  await server.close();
});

it('more streams than a client may have are refused, until one has ended', async () => {
  const ends = [new AbortController(), new AbortController()];
  for (const { signal } of ends) expect((await fetch(url, { signal })).status).toBe(200);
  const refused = await fetch(url);
  expect(await refused.json()).toMatchObject({ status: 429, code: 'too-many-connections', field: 'client' });
  expect(refused.headers.get('retry-after')).toBe('5');
  ends[0]!.abort();
  await expect.poll(() => limits.connections.open).toBe(1);
  expect((await fetch(url, { signal: ends[1]!.signal })).status).toBe(200);
  ends[1]!.abort();
  await expect.poll(() => limits.connections.open).toBe(0);
});
