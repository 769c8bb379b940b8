import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, type MiddlewareConsumer, Module, type NestModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import express from 'express';
import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { CloudEvent } from './cloud-event.js';
import { fastifyReceiver } from './fastify-receiver.js';
import { httpReceiver } from './http-receiver.js';
import { newTrialSecret, signedRequest, trialEvent } from './signing-trial.js';
import { type WebhookReceiver, webhookReceiver } from './webhook-receiver.js';

const SECRET = newTrialSecret();
const ORIGIN = 'events.example.com';
const MAX_BYTES = 200_000;

/** A running application: its receiver is at /webhooks/orders, and /echo shows that the rest of it works as ever. */
interface Running {
  url: string;
  close(): Promise<unknown>;
}

class Orders {
  readonly events: CloudEvent[] = [];
}

class EchoController {
  echo(): { well: true } {
    return { well: true };
  }
}

class AppModule {}

// Decorators are functions: what transforms tests leaves them alone in files outside of the build.
Controller()(EchoController);
Get('echo')(EchoController.prototype, 'echo', Object.getOwnPropertyDescriptor(EchoController.prototype, 'echo')!);
Module({ controllers: [EchoController], providers: [Orders] })(AppModule);

const FRAMEWORKS: [name: string, start: (receiver: WebhookReceiver) => Promise<Running>][] = [
  [
    'Node alone',
    async (receiver) => {
      const receive = httpReceiver(receiver);
      const server = createServer((request, response) =>
        request.url === '/webhooks/orders' ? receive(request, response) : response.end('{"well":true}'),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return { url: urlOf(server), close: () => new Promise((resolve) => server.close(resolve)) };
    },
  ],
  [
    'Express, above its parsers',
    (receiver) =>
      startExpress((app) => {
        app.use('/webhooks/orders', httpReceiver(receiver));
        app.use(express.json());
      }),
  ],
  [
    'Express, behind its parser of bytes',
    (receiver) =>
      startExpress((app) => {
        app.all('/webhooks/orders', express.raw({ type: '*/*', limit: '1mb' }), httpReceiver(receiver));
        app.use(express.json());
      }),
  ],
  [
    'Fastify',
    async (receiver) => {
      const app = Fastify();
      await app.register(fastifyReceiver(receiver), { prefix: '/webhooks/orders' });
      app.get('/echo', () => ({ well: true }));
      return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
    },
  ],
  [
    'NestJS on Express',
    async (receiver) => {
      const app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: false });
      app.use('/webhooks/orders', httpReceiver(receiver));
      await app.listen(0, '127.0.0.1');
      return { url: await app.getUrl(), close: () => app.close() };
    },
  ],
  [
    'NestJS on Express, in a module, where the bytes are kept beside the body',
    async (receiver) => {
      const app = await NestFactory.create(moduleWith(receiver), new ExpressAdapter(), {
        logger: false,
        rawBody: true,
      });
      await app.listen(0, '127.0.0.1');
      return { url: await app.getUrl(), close: () => app.close() };
    },
  ],
  [
    'NestJS on Fastify, in a module',
    async (receiver) => {
      const app = await NestFactory.create(moduleWith(receiver), new FastifyAdapter(), { logger: false });
      await app.listen(0, '127.0.0.1');
      return { url: await app.getUrl(), close: () => app.close() };
    },
  ],
  [
    'NestJS on Fastify',
    async (receiver) => {
      const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: false });
      app.use('/webhooks/orders', httpReceiver(receiver));
      await app.listen(0, '127.0.0.1');
      return { url: await app.getUrl(), close: () => app.close() };
    },
  ],
];

describe.each(FRAMEWORKS)('in %s', (_name, start) => {
  let running: Running | undefined;
  afterEach(async () => running?.close());

  it('deliveries are taken whatever their content type, over the bytes that came, and everything else goes on', async () => {
    const events: CloudEvent[] = [];
    running = await start(receiverOf((event) => void events.push(event)));
    const structured = signedRequest(SECRET, trialEvent('e1'));
    const batch = signedRequest(SECRET, [trialEvent('e2'), trialEvent('e3')]);
    expect((await post(running, structured)).status).toBe(204);
    expect((await post(running, batch)).status).toBe(204);
    const binary = signedRequest(
      SECRET,
      { n: 1 },
      {
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': 'e4',
        'ce-source': '/trial',
        'ce-type': 't',
      },
    );
    expect((await post(running, binary)).status).toBe(204);
    expect(events.map(({ id }) => id)).toEqual(['e1', 'e2', 'e3', 'e4']);
    expect(events[3]).toMatchObject({ data: { n: 1 } });
    const spaced = { ...structured, body: `${structured.body} ` };
    const refused = await post(running, spaced);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: 'signature-mismatch' });
    expect(await (await fetch(`${running.url}/echo`)).json()).toEqual({ well: true });
  });

  it('a handler that fails is answered so that it is tried again', async () => {
    running = await start(receiverOf(() => Promise.reject(new Error('no'))));
    expect((await post(running, signedRequest(SECRET, trialEvent('e1')))).status).toBe(500);
  });

  it('the handshake is answered', async () => {
    running = await start(receiverOf(() => undefined));
    const headers = { 'webhook-request-origin': ORIGIN, 'webhook-request-rate': '60' };
    const answer = await fetch(`${running.url}/webhooks/orders`, { method: 'OPTIONS', headers });
    expect(answer.headers.get('webhook-allowed-origin')).toBe(ORIGIN);
    expect(answer.headers.get('webhook-allowed-rate')).toBe('60');
    const others = await fetch(`${running.url}/webhooks/orders`, {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'else.example.com' },
    });
    expect([others.status, others.headers.get('webhook-allowed-origin')]).toEqual([403, null]);
  });

  it('a body that is too large is refused, and the next one taken', async () => {
    running = await start(receiverOf(() => undefined));
    const large = signedRequest(SECRET, trialEvent('e1', { data: 'x'.repeat(MAX_BYTES) }));
    expect((await post(running, large)).status).toBe(413);
    expect((await post(running, signedRequest(SECRET, trialEvent('e2')))).status).toBe(204);
  });
});

it('in NestJS the handler works with what the application provides', async () => {
  const app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: false });
  const orders = app.get(Orders);
  app.use('/webhooks/orders', httpReceiver(receiverOf((event) => void orders.events.push(event))));
  await app.listen(0, '127.0.0.1');
  const running = { url: await app.getUrl(), close: () => app.close() };
  await post(running, signedRequest(SECRET, trialEvent('e1')));
  expect(orders.events).toHaveLength(1);
  await app.close();
});

it('below a parser that keeps no bytes the receiver says what is wrong, and takes nothing', async () => {
  const events: CloudEvent[] = [];
  const running = await startExpress((app) => {
    app.use(express.json({ type: '*/*' }));
    app.use('/webhooks/orders', httpReceiver(receiverOf((event) => void events.push(event))));
  });
  const answer = await post(running, signedRequest(SECRET, trialEvent('e1')));
  expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'body-parsed' }]);
  expect(events).toEqual([]);
  await running.close();
});

function moduleWith(receiver: WebhookReceiver): Type {
  class HooksModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(httpReceiver(receiver)).forRoutes('webhooks/orders');
    }
  }
  Module({ imports: [AppModule] })(HooksModule);
  return HooksModule;
}

function receiverOf(handle: (event: CloudEvent) => void | Promise<void>): WebhookReceiver {
  return webhookReceiver({ secrets: [SECRET], handle, consent: { origins: [ORIGIN] }, maxBodyBytes: MAX_BYTES });
}

function post(
  { url }: Running,
  { headers, body }: { headers: Record<string, string>; body: string },
): Promise<Response> {
  return fetch(`${url}/webhooks/orders`, { method: 'POST', headers, body });
}

async function startExpress(wire: (app: express.Express) => void): Promise<Running> {
  const app = express();
  wire(app);
  app.get('/echo', (_request, response) => void response.json({ well: true }));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: urlOf(server), close: () => new Promise((resolve) => server.close(resolve)) };
}

function urlOf(server: { address(): unknown }): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
