import 'reflect-metadata';
import { HeddleError, MemoryEventLog, uuidv7 } from '@heddle/event';
import type { StoredEvent } from '@heddle/event';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectEventLog, type EventLogStrategyOptions } from './event-log-strategy.js';

const seen: string[] = [];
const failures = new Map<string, unknown[]>();

function handled(handler: string, event: StoredEvent): void {
  const failure = failures.get(event.attributes.type)?.shift();
  if (failure !== undefined) throw failure;
  seen.push(`${handler} ${event.attributes.type} ${(event.data as { n: number }).n}`);
}

class Partners {
  onAny(event: StoredEvent): void {
    handled('any', event);
  }
  async onCreated(event: StoredEvent): Promise<void> {
    await Promise.resolve();
    handled('created', event);
  }
}
decorate(Partners, 'onAny', EventPattern<string>('partner.v1.*'));
decorate(Partners, 'onCreated', EventPattern<string>('partner.v1.Created'));

class Replies {
  reply(): string {
    return 'never';
  }
}
decorate(Replies, 'reply', MessagePattern('partner.v1.Created'));

/** As the compiler writes decorators; the tests' own transformer leaves those of parameters out. */
function decorate(target: { prototype: object }, name: string, pattern: MethodDecorator): void {
  const method = Object.getOwnPropertyDescriptor(target.prototype, name) as PropertyDescriptor;
  pattern(target.prototype, name, method);
  Payload()(target.prototype, name, 0);
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  seen.length = 0;
  failures.clear();
});

async function start(controller: new () => object, options: Partial<EventLogStrategyOptions> = {}) {
  Controller()(controller);
  class App {}
  Module({ controllers: [controller] })(App);
  const log = new MemoryEventLog({
    decode: ({ value }) => ({ data: JSON.parse(Buffer.from(value).toString()) as unknown }),
    partitions: 1,
  });
  const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false, abortOnError: false });
  closers.push(
    () => app.close(),
    () => log.close(),
  );
  connectEventLog(app, { eventLog: log, group: 'test', topics: ['partner'], from: 'earliest', ...options });
  await app.startAllMicroservices();
  const append = (type: string, n: number) =>
    log.append([
      {
        topic: 'partner',
        key: 'k',
        event: { attributes: { id: uuidv7(), source: '/t', type }, value: Buffer.from(JSON.stringify({ n })) },
      },
    ]);
  return { log, append };
}

describe('handlers of a Nest application', () => {
  it('get the events of their pattern, exact or by a trailing wildcard, in order', async () => {
    const { append } = await start(Partners);
    await append('partner.v1.Created', 1);
    await append('partner.v1.Changed', 2);
    await vi.waitFor(() => expect(seen).toHaveLength(3), { timeout: 10_000 });
    expect(seen).toEqual(['any partner.v1.Created 1', 'created partner.v1.Created 1', 'any partner.v1.Changed 2']);
  });

  it('fail with errors that stay what they are: what is retryable is tried again', async () => {
    const { append, log } = await start(Partners);
    failures.set('partner.v1.Changed', [
      new HeddleError('store-unavailable', 'later'),
      new HeddleError('conflict', 'no'),
    ]);
    await append('partner.v1.Changed', 1);
    await vi.waitFor(() => expect(log.deadLetters).toHaveLength(1), { timeout: 10_000 });
    expect(log.deadLetters[0]?.error).toMatchObject({ code: 'conflict', message: 'no' });
    await append('partner.v1.Changed', 2);
    await vi.waitFor(() => expect(seen).toEqual(['any partner.v1.Changed 2']), { timeout: 10_000 });
  });

  it('leave alone what nobody handles: it is acknowledged and counted', async () => {
    const unhandled: string[] = [];
    const { append } = await start(Partners, { onUnhandled: (event) => unhandled.push(event.attributes.type) });
    await append('order.v1.Created', 1);
    await append('partner.v1.Changed', 2);
    await vi.waitFor(() => expect(seen).toEqual(['any partner.v1.Changed 2']), { timeout: 10_000 });
    expect(unhandled).toEqual(['order.v1.Created']);
  });

  it('cannot answer: a message pattern stops the start', async () => {
    await expect(start(Replies)).rejects.toMatchObject({ code: 'setting-invalid' });
  });
});
