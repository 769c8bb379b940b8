import 'reflect-metadata';
import { All, Controller, Get, Inject, Injectable, Module, type Type, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { CloudEvent, TypedEvent } from './cloud-event.js';
import { ReceivedEvent, ReceivedWebhook } from './nest-received.js';
import { WebhookInterceptor } from './nest-webhooks.js';
import { newTrialSecret, signedRequest, trialEvent } from './signing-trial.js';
import { WebhookAnswer } from './webhook-answer.js';
import type { VerifiedWebhook } from './webhook-request.js';

const SECRET = newTrialSecret();
const ORIGIN = 'events.example.com';
const MAX_BYTES = 200_000;
const BINARY = { 'ce-specversion': '1.0', 'ce-id': 'b1', 'ce-source': '/trial', 'ce-type': 'trial.Happened.v1' };

/** What the application provides, and the interceptor and the handler ask for. */
class Orders {
  readonly secret = SECRET;
  readonly done: string[] = [];
  readonly attempts: number[] = [];
  readonly refused: string[] = [];
  readonly failed: unknown[] = [];
  work: (event: CloudEvent) => void | Promise<void> = () => undefined;
}

class OrderWebhooks extends WebhookInterceptor {
  constructor(orders: Orders) {
    super({
      secrets: [orders.secret],
      consent: { origins: [ORIGIN] },
      maxBodyBytes: MAX_BYTES,
      onRefused: ({ reason }) => void orders.refused.push(reason),
      onFailed: (error) => void orders.failed.push(error),
    });
  }
}

type Events = { 'trial.Happened.v1': { name: string }; 'trial.Ended.v1': { at: number } };

class OrderHooks {
  constructor(readonly orders: Orders) {}

  async changed(event: TypedEvent<Events>, delivery: VerifiedWebhook): Promise<string> {
    await this.orders.work(event);
    // The compiler knows which data belong to which type.
    const what =
      event.type === 'trial.Happened.v1' ? event.data?.name : String(event.data?.at satisfies number | undefined);
    this.orders.done.push(`${event.id} ${what}`);
    this.orders.attempts.push(delivery.attempt);
    return 'what a handler returns is no answer to a webhook';
  }

  echo(): { well: true } {
    return { well: true };
  }
}

class OrdersModule {}

// Decorators are functions: what transforms tests leaves them alone in files outside of the build.
const { prototype } = OrderHooks;
Injectable()(OrderWebhooks);
Inject(Orders)(OrderWebhooks, undefined, 0);
Inject(Orders)(OrderHooks, undefined, 0);
Controller('webhooks/orders')(OrderHooks);
for (const [decorate, name] of [
  [All(), 'changed'],
  [UseInterceptors(OrderWebhooks), 'changed'],
  [Get('echo'), 'echo'],
] as const) {
  decorate(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!);
}
ReceivedEvent()(prototype, 'changed', 0);
ReceivedWebhook()(prototype, 'changed', 1);
Module({ controllers: [OrderHooks], providers: [Orders] })(OrdersModule);

interface Running {
  url: string;
  orders: Orders;
  close(): Promise<unknown>;
}

const PLATFORMS: [name: string, start: (module: Type) => Promise<Running>][] = [
  [
    'Express',
    async (module) => {
      const app = await NestFactory.create<NestExpressApplication>(module, new ExpressAdapter(), {
        logger: false,
        rawBody: true,
      });
      return running(app);
    },
  ],
  [
    'Fastify',
    async (module) => {
      const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
        logger: false,
        rawBody: true,
      });
      app.useBodyParser(['application/cloudevents+json', 'application/cloudevents-batch+json'], {
        bodyLimit: 2 * MAX_BYTES,
      });
      return running(app);
    },
  ],
];

describe.each(PLATFORMS)('a route of NestJS on %s', (_name, start) => {
  let app: Running;
  afterEach(async () => app.close());

  it('is called with events whose signature is right over the bytes that came, in every content mode', async () => {
    app = await start(OrdersModule);
    const structured = signedRequest(SECRET, trialEvent('e1'), { 'heddle-attempt': '3' });
    expect((await post(app, structured)).status).toBe(204);
    expect((await post(app, signedRequest(SECRET, [trialEvent('e2'), trialEvent('e3')]))).status).toBe(204);
    const binary = signedRequest(SECRET, { name: 'b' }, { ...BINARY, 'content-type': 'application/json' });
    expect((await post(app, binary)).status).toBe(204);
    expect(app.orders.done).toEqual(['e1 Überprüfung', 'e2 Überprüfung', 'e3 Überprüfung', 'b1 b']);
    expect(app.orders.attempts).toEqual([3, 1, 1, 1]);
    expect(await (await fetch(`${app.url}/webhooks/orders/echo`)).json()).toEqual({ well: true });
  });

  it('is not called with what is not signed, or signed over other bytes, or no event', async () => {
    app = await start(OrdersModule);
    const signed = signedRequest(SECRET, trialEvent('e1'));
    const answers = [
      await post(app, { ...signed, body: `${signed.body} ` }),
      await post(app, signedRequest(newTrialSecret(), trialEvent('e1'))),
      await post(app, { body: signed.body, headers: { 'content-type': signed.headers['content-type']! } }),
      await post(app, signedRequest(SECRET, { no: 'event' })),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 400]);
    expect(answers[0]!.headers.get('content-type')).toMatch('application/problem+json');
    expect(await answers[0]!.json()).toMatchObject({ code: 'signature-mismatch' });
    expect(app.orders.refused).toEqual(['signature-mismatch', 'signature-mismatch', 'header-missing', 'event-invalid']);
    expect(app.orders.done).toEqual([]);
    await post(app, signed);
    expect(app.orders.done).toHaveLength(1);
  });

  it('is called once for an event that comes again, also while the first is at work', async () => {
    app = await start(OrdersModule);
    let end = (): void => undefined;
    const worked = new Promise<void>((resolve) => (end = resolve));
    let begun = 0;
    app.orders.work = () => {
      begun += 1;
      return worked;
    };
    const request = signedRequest(SECRET, trialEvent('e1'));
    const both = [post(app, request), post(app, request)];
    const other = post(app, signedRequest(SECRET, trialEvent('e2')));
    // Others are not held up by it: both events have begun before the first of them has ended.
    await expect.poll(() => begun, { timeout: 10_000 }).toBe(2);
    end();
    expect((await Promise.all([...both, other])).map(({ status }) => status)).toEqual([204, 204, 204]);
    expect((await post(app, request)).status).toBe(204);
    expect(app.orders.done.toSorted()).toEqual(['e1 Überprüfung', 'e2 Überprüfung']);
  });

  it('that throws is called again when the event comes again, and of a batch with what it failed at alone', async () => {
    app = await start(OrdersModule);
    const failing = new Set(['e2']);
    app.orders.work = ({ id }) => {
      if (failing.has(id)) throw new Error(`no ${id}`);
    };
    const batch = signedRequest(SECRET, [trialEvent('e1'), trialEvent('e2'), trialEvent('e3')]);
    const failed = await post(app, batch);
    expect([failed.status, await failed.json()]).toMatchObject([500, { code: 'handler-failed' }]);
    expect(app.orders.failed).toMatchObject([{ message: 'no e2' }]);
    failing.clear();
    expect((await post(app, batch)).status).toBe(204);
    expect(app.orders.done.map((line) => line.slice(0, 2))).toEqual(['e1', 'e3', 'e2']);
  });

  it('says by what it throws how the sender is to go on', async () => {
    app = await start(OrdersModule);
    app.orders.work = () => {
      throw WebhookAnswer.later(60);
    };
    const answer = await post(app, signedRequest(SECRET, trialEvent('e1')));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '60']);
  });

  it('answers the handshake, and takes nothing but POST', async () => {
    app = await start(OrdersModule);
    const url = `${app.url}/webhooks/orders`;
    const asked = await fetch(url, { method: 'OPTIONS', headers: { 'webhook-request-origin': ORIGIN } });
    expect([asked.status, asked.headers.get('webhook-allowed-origin')]).toEqual([200, ORIGIN]);
    expect((await fetch(url)).status).toBe(405);
    expect(app.orders.done).toEqual([]);
  });

  it('refuses a body that is too large, and takes the next one', async () => {
    app = await start(OrdersModule);
    const large = signedRequest(SECRET, trialEvent('e1', { data: 'x'.repeat(MAX_BYTES) }));
    expect((await post(app, large)).status).toBe(413);
    expect((await post(app, signedRequest(SECRET, trialEvent('e2')))).status).toBe(204);
  });
});

it('a route that forgot the interceptor says so', async () => {
  class Forgotten {
    changed(event: CloudEvent): string {
      return event.id;
    }
  }
  class ForgottenModule {}
  All()(Forgotten.prototype, 'changed', Object.getOwnPropertyDescriptor(Forgotten.prototype, 'changed')!);
  ReceivedEvent()(Forgotten.prototype, 'changed', 0);
  Controller('webhooks/orders')(Forgotten);
  Module({ controllers: [Forgotten], providers: [Orders] })(ForgottenModule);
  const said: unknown[] = [];
  const logger = { log: () => undefined, warn: () => undefined, error: (...words: unknown[]) => void said.push(words) };
  const nest = await NestFactory.create(ForgottenModule, new ExpressAdapter(), { logger });
  const app = await running(nest as NestExpressApplication);
  expect((await post(app, signedRequest(SECRET, trialEvent('e1')))).status).toBe(500);
  expect(String(said.flat())).toContain('Forgotten.changed takes events of webhooks, but no WebhookInterceptor');
  await app.close();
});

it('in an application that parses the bytes away nothing is taken, and the answer says why', async () => {
  const nest = await NestFactory.create(OrdersModule, new ExpressAdapter(), { logger: false });
  const app = await running(nest as NestExpressApplication);
  const binary = signedRequest(SECRET, { name: 'b' }, { ...BINARY, 'content-type': 'application/json' });
  const answer = await post(app, binary);
  expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'body-parsed' }]);
  // What no parser is for has its bytes yet.
  expect((await post(app, signedRequest(SECRET, trialEvent('e1')))).status).toBe(204);
  await app.close();
});

async function running(app: NestExpressApplication | NestFastifyApplication): Promise<Running> {
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), orders: app.get(Orders), close: () => app.close() };
}

function post(
  { url }: Running,
  { headers, body }: { headers: Record<string, string>; body: string },
): Promise<Response> {
  return fetch(`${url}/webhooks/orders`, { method: 'POST', headers, body });
}
