import type { Log } from '@heddle/runtime';
import fastify from 'fastify';
import { expect, it } from 'vitest';
import { logChanges } from './change-log.js';

it('each request that may have changed something leaves one line with its object and version, readers leave none', async () => {
  const lines: object[] = [];
  const server = fastify();
  logChanges(server, { info: (line: object) => void lines.push(line) } as never as Log);
  server.get('/boxes/:key', () => ({}));
  server.post('/boxes', (_request, reply) => reply.status(201).headers({ location: '/boxes/7', etag: '"1"' }).send());
  server.delete('/boxes/:key', (_request, reply) => reply.status(412).send());
  await server.inject({ method: 'GET', url: '/boxes/7' });
  await server.inject({ method: 'POST', url: '/boxes' });
  await server.inject({ method: 'DELETE', url: '/boxes/7' });
  await server.close();
  expect(lines).toMatchObject([
    { event: 'request', method: 'POST', route: '/boxes', key: '7', version: 1, status: 201 },
    { event: 'request', method: 'DELETE', route: '/boxes/:key', key: '7', version: undefined, status: 412 },
  ]);
});
