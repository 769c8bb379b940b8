import 'reflect-metadata';
import type { StoredEvent } from '@heddle/event';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import { Controller, type INestApplication, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PARTNER_CHANGED, PARTNER_CREATED } from '../../../test/src/contract/mesh.contract.js';
import { connectMesh } from './connect-mesh.js';
import { MemoryMesh } from './memory-mesh.js';
import type { MemoryTransaction } from './memory-store.js';
import { Mesh } from './mesh.js';
import { MeshModule } from './mesh.module.js';

const steps: string[] = [];

class Partners {
  constructor(private readonly mesh: Mesh<BusinessPartnerEvents, MemoryTransaction>) {}

  async check(event: StoredEvent): Promise<void> {
    await this.mesh.inbox.once(event, async (tx) => {
      steps.push(`check ${event.key}`);
      await this.mesh.raise(tx, [
        { type: PARTNER_CHANGED, key: event.key, version: 2, data: { BusinessPartner: event.key } },
      ]);
    });
  }
}

class Reactions {
  constructor(private readonly partners: Partners) {}

  onModuleInit(): void {
    steps.push('ready');
  }

  async onCreated(event: StoredEvent): Promise<void> {
    await this.partners.check(event);
  }
}

// As the compiler writes decorators; the tests' own transformer does not know them.
Injectable()(Partners);
Inject(Mesh)(Partners, undefined, 0);
Controller()(Reactions);
Inject(Partners)(Reactions, undefined, 0);
const onCreated = Object.getOwnPropertyDescriptor(Reactions.prototype, 'onCreated') as PropertyDescriptor;
EventPattern<string>(PARTNER_CREATED)(Reactions.prototype, 'onCreated', onCreated);

/** A module of the application's that imports nothing of the mesh. */
class PartnersModule {}
Module({ providers: [Partners], controllers: [Reactions] })(PartnersModule);

let mesh: MemoryMesh<BusinessPartnerEvents>;
let app: INestApplication;

beforeEach(async () => {
  steps.length = 0;
  mesh = await MemoryMesh.open<BusinessPartnerEvents>({
    name: 'trial',
    schemas: ['schemas'],
    raises: [PARTNER_CHANGED],
    reactsTo: ['business-partner'],
  });
  class AppModule {}
  Module({ imports: [MeshModule.forTest(mesh), PartnersModule] })(AppModule);
  app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false, abortOnError: false });
});

afterEach(() => app.close());

it('an ordinary Nest application gets events once connected, by its own controllers, and raises others', async () => {
  await mesh.appear({ type: PARTNER_CREATED, key: '1', data: { BusinessPartner: '1' } });
  await connectMesh(app);
  await mesh.settled();
  expect(app.get(Mesh)).toBe(mesh);
  // Modules are ready before the first event is.
  expect(steps).toEqual(['ready', 'check 1']);
  expect(mesh.events.map(({ attributes }) => attributes.type)).toEqual([PARTNER_CREATED, PARTNER_CHANGED]);
});

it('what no controller is for is acknowledged and counted', async () => {
  await connectMesh(app);
  await mesh.appear({ type: PARTNER_CHANGED, key: '1', data: { BusinessPartner: '1' } });
  await mesh.settled();
  expect(await mesh.metrics.metrics()).toContain(`heddle_unhandled_events_total{type="${PARTNER_CHANGED}"} 1`);
});

it('the mesh ends with the application, whose handlers finish before', async () => {
  await connectMesh(app);
  await mesh.appear({ type: PARTNER_CREATED, key: '1', data: { BusinessPartner: '1' } });
  await mesh.settled();
  await app.close();
  await expect(mesh.log.ping()).rejects.toMatchObject({ code: 'stopping' });
});
