import 'reflect-metadata';
import { MemoryEventLog, uuidv7 } from '@heddle/event';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EventPattern } from '@nestjs/microservices';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectEventLog } from './event-log-strategy.js';
import { Mistakes, Orders, seen } from './handles-trial.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  seen.length = 0;
});

async function start(controller: new () => object) {
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
  const strategy = connectEventLog(app, { eventLog: log, group: 'test', topics: ['order'], from: 'earliest' });
  await app.startAllMicroservices();
  const append = (type: string, data: object) =>
    log.append([
      {
        topic: 'order',
        key: 'k',
        event: { attributes: { id: uuidv7(), source: '/t', type }, value: Buffer.from(JSON.stringify(data)) },
      },
    ]);
  return { append, strategy };
}

describe('a handler declared with its type', () => {
  it('gets the event and its context, without decorators of parameters', async () => {
    const { append, strategy } = await start(Orders);
    await append('order.v1.Created', { order: '1' });
    await append('order.v1.Changed', { order: '2', by: 'me' });
    await append('order.v2.Created', { order: '3', channel: 'web' });
    await append('order.v2.Created', { order: '4', channel: 'shop' });
    await append('order.v3.Created', {});
    await vi.waitFor(() => expect(seen).toHaveLength(4), { timeout: 10_000 });
    expect(seen).toEqual(['created 1 1 0', 'changed 2', 'many web shop of 0', 'anything order.v3.Created k']);
    await vi.waitFor(() => expect(strategy.consumerStatus()).toMatchObject({ state: 'consuming', handled: 5 }));
    await strategy.ping();
  });

  it('of batches must be alone with its types: another beside it stops the start', async () => {
    class Both {}
    Object.assign(Both.prototype, { one: () => undefined, other: () => undefined });
    for (const [name, pattern, extras] of [
      ['one', 'order.v1.*', {}],
      ['other', 'order.v1.Created', { batch: {} }],
    ] as const) {
      const method = Object.getOwnPropertyDescriptor(Both.prototype, name) as PropertyDescriptor;
      EventPattern<string>(pattern, extras)(Both.prototype, name, method);
    }
    await expect(start(Both)).rejects.toMatchObject({ code: 'setting-invalid' });
    expect(Mistakes).toBeDefined();
  });
});
