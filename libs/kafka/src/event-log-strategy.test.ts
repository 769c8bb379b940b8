import 'reflect-metadata';
import { HeddleError, MemoryEventLog, uuidv7 } from '@heddle/event';
import type { StoredEvent } from '@heddle/event';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventContext } from './event-context.js';
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
  const strategy = connectEventLog(app, {
    eventLog: log,
    group: 'test',
    topics: ['partner'],
    from: 'earliest',
    ...options,
  });
  await app.startAllMicroservices();
  const append = (type: string, n: number) =>
    log.append([
      {
        topic: 'partner',
        key: 'k',
        event: { attributes: { id: uuidv7(), source: '/t', type }, value: Buffer.from(JSON.stringify({ n })) },
      },
    ]);
  return { log, append, strategy };
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
    const onUnhandled = (event: StoredEvent) => unhandled.push(event.attributes.type);
    const { append, strategy } = await start(Partners, { onUnhandled });
    await append('order.v1.Created', 1);
    await append('partner.v1.Changed', 2);
    await vi.waitFor(() => expect(seen).toEqual(['any partner.v1.Changed 2']), { timeout: 10_000 });
    expect(unhandled).toEqual(['order.v1.Created']);
    expect(strategy.consumerStatus()).toMatchObject({ handled: 1, unhandled: 1, deadLettered: 0 });
  });

  it('follow the schedule when the error says nothing: a bug is tried again, then it is a dead letter', async () => {
    const { append, log } = await start(Partners, { retry: { attempts: 2, firstMs: 1 } });
    failures.set('partner.v1.Changed', [new TypeError('a bug'), new TypeError('still')]);
    await append('partner.v1.Changed', 1);
    await append('partner.v1.Changed', 2);
    await vi.waitFor(() => expect(seen).toEqual(['any partner.v1.Changed 2']), { timeout: 10_000 });
    expect(log.deadLetters).toMatchObject([{ attempts: 2, error: { message: 'still' } }]);
  });

  it('get the event by @Payload and how it is handled by @Ctx', async () => {
    const contexts: EventContext[] = [];
    class Contexts {
      on(event: StoredEvent, context: EventContext): void {
        handled('ctx', event);
        contexts.push(context);
      }
    }
    decorate(Contexts, 'on', EventPattern<string>('partner.v1.*'));
    Ctx()(Contexts.prototype, 'on', 1);
    const { append } = await start(Contexts);
    await append('partner.v1.Created', 1);
    await vi.waitFor(() => expect(contexts).toHaveLength(1), { timeout: 10_000 });
    const [context] = contexts;
    expect(context).toBeInstanceOf(EventContext);
    expect(context).toMatchObject({ attempt: 1, group: 'test', key: 'k', position: { topic: 'partner', offset: 0 } });
    expect(context?.signal.aborted).toBe(false);
    expect(context?.getArgs()[0].data).toEqual({ n: 1 });
  });

  it('that take too long turn its health red until they end', async () => {
    const gate = Promise.withResolvers<void>();
    class Slow {
      async on(event: StoredEvent, context: EventContext): Promise<void> {
        await gate.promise;
        handled(context.signal.aborted ? 'late' : 'in time', event);
      }
    }
    decorate(Slow, 'on', EventPattern<string>('partner.v1.*'));
    Ctx()(Slow.prototype, 'on', 1);
    const { append, strategy } = await start(Slow, { handlingMs: 50 });
    await strategy.ping();
    await append('partner.v1.Created', 1);
    const isRed = () => expect(strategy.ping()).rejects.toMatchObject({ code: 'consumer-stalled' });
    await vi.waitFor(isRed, { timeout: 10_000 });
    gate.resolve();
    await vi.waitFor(() => strategy.ping(), { timeout: 10_000 });
    expect(seen).toEqual(['late partner.v1.Created 1']);
  });

  it('cannot answer: a message pattern stops the start', async () => {
    await expect(start(Replies)).rejects.toMatchObject({ code: 'setting-invalid' });
  });
});
