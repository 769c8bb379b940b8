import { fileURLToPath } from 'node:url';
import { type EventAttributes, MemoryEventLog, uuidv7 } from '@heddle/event';
import { type Database, Outbox, Relay, openDatabase } from '@heddle/outbox';
import { Health, createHttpApp, createLog, createMetrics } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { inject, vi } from 'vitest';
import { migrations } from './migrations/migrations.js';
import { BusinessPartnerModule } from './business-partner.module.js';
import { routes, businessPartnerOpenApi } from './business-partner.openapi.js';
import type { BusinessPartnerTables } from './business-partner.repository.js';

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  body: Record<string, unknown>;
}

export type Seen = EventAttributes & { data: unknown };

/** The whole service on a database of its own, with event log and registry in memory. For tests. */
export class ServiceTrial {
  #events: Seen[] = [];

  private constructor(
    private readonly app: NestFastifyApplication,
    private readonly database: Database<BusinessPartnerTables>,
    private readonly relay: Relay,
    private readonly eventLog: MemoryEventLog,
    private readonly catalogue: Catalogue,
    private readonly registered: readonly string[],
  ) {}

  static async open(): Promise<ServiceTrial> {
    const database = await openDatabase<BusinessPartnerTables>({
      url: inject('stack').databaseUrl,
      database: `business_partner_${process.pid}_${uuidv7().slice(-8)}`,
      pool: 10,
      migrations,
    });
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles(fileURLToPath(new URL('../../../schemas', import.meta.url))));
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    const eventLog = new MemoryEventLog({ decode: ({ value }) => codec.decode(value), partitions: 4 });
    const log = createLog('business-partner', 'silent');
    const outbox = new Outbox({ catalogue, codec, source: '/test/business-partner' });
    const relay = new Relay({ database, eventLog, log });
    relay.start();
    const app = await createHttpApp(BusinessPartnerModule.of(database.db, outbox, relay), {
      log,
      health: new Health(),
      metrics: createMetrics('business-partner'),
      openApi: businessPartnerOpenApi,
    });
    const registered: string[] = [];
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRoute', ({ method, url }) => {
        for (const name of [method].flat()) registered.push(`${name} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
      });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    const trial = new ServiceTrial(app, database, relay, eventLog, catalogue, registered);
    await trial.#follow();
    return trial;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.relay.stop(0);
    await this.eventLog.close();
    this.catalogue.close();
    await this.database.close();
  }

  request(method: Method, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    const sent = body === undefined ? {} : { payload: JSON.stringify(body) };
    return this.#inject(method, path, body === undefined ? headers : { ...headers, ...JSON_TYPE }, sent);
  }

  /** The events of a key, once there are as many as said. */
  eventsOf(key: string, count: number): Promise<Seen[]> {
    return vi.waitFor(() => {
      const events = this.#events.filter(({ subject }) => subject === key);
      if (events.length !== count) throw new Error(`${events.length} events of ${key}, not ${count}`);
      return events;
    });
  }

  forgetEvents(): void {
    this.#events = [];
  }

  realRoutes(): string[] {
    return this.registered
      .filter((route) => !route.startsWith('HEAD ') && route.includes('/business-partners'))
      .toSorted();
  }

  documentedRoutes(): string[] {
    return routes.map(({ method, path }) => `${method} ${path}`).toSorted();
  }

  async #follow(): Promise<void> {
    await this.eventLog.read({
      topics: ['business-partner'],
      from: (_topic, { earliest }) => earliest,
      onBatch: ({ events }) => {
        this.#events.push(...events.map(({ attributes, data }) => ({ ...attributes, data }) as Seen));
      },
    });
  }

  async #inject(method: Method, url: string, headers: Record<string, string>, body: object): Promise<Answer> {
    const answer = await this.app.inject({ method, url, headers, ...body });
    const isJson = String(answer.headers['content-type']).includes('json');
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.payload,
      body: isJson ? (JSON.parse(answer.payload) as Record<string, unknown>) : {},
    };
  }
}

type Method = 'GET' | 'POST' | 'PATCH';

const JSON_TYPE = { 'content-type': 'application/json' };
