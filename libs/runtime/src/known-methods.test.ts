import { request } from 'node:http';
import { HeddleError } from '@heddle/event';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Health } from './health.js';
import { createHttpApp } from './http-app.js';
import { createLog } from './log.js';
import { createMetrics } from './metrics.js';

class ThingsController {
  read(): object {
    throw new HeddleError('not-found', 'There is none of this name.');
  }
  make(): object {
    return {};
  }
  all(): object {
    return {};
  }
}
Get(':name')(ThingsController.prototype, 'read', Object.getOwnPropertyDescriptor(ThingsController.prototype, 'read')!);
Post()(ThingsController.prototype, 'make', Object.getOwnPropertyDescriptor(ThingsController.prototype, 'make')!);
Post('all')(ThingsController.prototype, 'all', Object.getOwnPropertyDescriptor(ThingsController.prototype, 'all')!);
Controller('things')(ThingsController);
class ThingsModule {}
Module({ controllers: [ThingsController] })(ThingsModule);

let app: NestFastifyApplication;

beforeAll(async () => {
  const log = createLog('trial', 'silent');
  const metrics = createMetrics('trial');
  app = await createHttpApp(ThingsModule, { log, health: new Health(), metrics, openApi: {} });
  app
    .getHttpAdapter()
    .getInstance()
    .get('/rest/*', () => ({}));
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());

it.each([
  ['DELETE', '/things/one', 405, 'GET, HEAD'],
  ['DELETE', '/rest/of/a/path', 405, 'GET, HEAD'],
  ['TRACE', '/things/one?x=1', 405, 'GET, HEAD'],
  ['GET', '/things', 405, 'POST'],
  ['QUERY', '/things', 405, 'POST'],
  ['OPTIONS', '/things/all', 405, 'POST'],
  ['GET', '/things/all', 405, 'POST'],
  ['GET', '/things/none', 404, null],
  ['GET', '/things/one/two', 404, null],
])('%s %s is answered with %d, and the methods the path has', async (method, path, status, allow) => {
  const url = `${await app.getUrl()}${path}`;
  // fetch refuses TRACE by itself.
  const answer = await new Promise<{ status: number | undefined; allow: string | null; text: string }>(
    (resolve, reject) => {
      request(url, { method }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, allow: response.headers.allow ?? null, text }));
      })
        .once('error', reject)
        .end();
    },
  );
  expect(answer).toMatchObject({ status, allow });
  expect(JSON.parse(answer.text)).toMatchObject({ code: status === 405 ? 'method-unsupported' : 'not-found' });
});

it.each(['/things/%zz', '/%E0%A4%A', '/rest/%'])('%s, which is no path, is answered with a problem', async (path) => {
  const answer = await fetch(`${await app.getUrl()}${path}`);
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(await answer.json()).toMatchObject({ code: 'parameter-invalid' });
});
