import { fileURLToPath } from 'node:url';
import { AVRO_CONTENT_TYPE, type EventAttributes, MemoryEventLog, formatSequence, uuidv7 } from '@heddle/event';
import { connectEventLog } from '@heddle/kafka';
import { type Database, Outbox, Relay, openDatabase } from '@heddle/outbox';
import { Health, createHttpApp, createLog, createMetrics } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { inject, vi } from 'vitest';
import { migrations } from './migrations/migrations.js';
import { SalesOrderModule } from './sales-order.module.js';
import { routes, salesOrderOpenApi } from './sales-order.openapi.js';
import type { SalesOrderTables } from './sales-order.repository.js';

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

const PARTNER_CREATED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';

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
    private readonly database: Database<SalesOrderTables>,
    private readonly relay: Relay,
    private readonly eventLog: MemoryEventLog,
    private readonly catalogue: Catalogue,
    private readonly codec: AvroCodec,
    private readonly registered: readonly string[],
  ) {}

  static async open(): Promise<ServiceTrial> {
    const database = await openDatabase<SalesOrderTables>({
      url: inject('stack').databaseUrl,
      database: `sales_order_${process.pid}_${uuidv7().slice(-8)}`,
      pool: 10,
      migrations,
    });
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles(fileURLToPath(new URL('../../../schemas', import.meta.url))));
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    const eventLog = new MemoryEventLog({ decode: ({ value }) => codec.decode(value), partitions: 4 });
    const log = createLog('sales-order', 'silent');
    const outbox = new Outbox({ catalogue, codec, source: '/test/sales-order' });
    const relay = new Relay({ database, eventLog, log });
    relay.start();
    const app = await createHttpApp(SalesOrderModule.of(database.db, outbox, relay), {
      log,
      health: new Health(),
      metrics: createMetrics('sales-order'),
      openApi: salesOrderOpenApi,
    });
    const registered: string[] = [];
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRoute', ({ method, url }) => {
        for (const name of [method].flat()) registered.push(`${name} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
      });
    connectEventLog(app, { eventLog, group: 'sales-order', topics: ['business-partner'], from: 'earliest' });
    await app.startAllMicroservices();
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    const trial = new ServiceTrial(app, database, relay, eventLog, catalogue, codec, registered);
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

  raw(method: Method, path: string, payload: string, contentType: string): Promise<Answer> {
    return this.#inject(method, path, { 'content-type': contentType }, { payload });
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

  /** A partner's event is in the log, and the service has taken note of it. */
  async partnerExists(key: string, sequence = 1): Promise<void> {
    const { schemaId } = await this.catalogue.find(PARTNER_CREATED);
    const attributes = {
      id: uuidv7(),
      source: '/test/business-partner',
      type: PARTNER_CREATED,
      subject: key,
      datacontenttype: AVRO_CONTENT_TYPE,
      sequence: formatSequence(sequence),
    };
    const value = this.codec.encode(schemaId, { BusinessPartner: key });
    await this.eventLog.append([{ topic: 'business-partner', key, event: { attributes, value } }]);
    await vi.waitFor(async () => {
      if ((await this.partnerSequence(key)) === undefined) throw new Error(`partner ${key} is not known`);
    });
  }

  async partnerSequence(key: string): Promise<number | undefined> {
    const partners = this.database.db.selectFrom('known_partner').select('sequence');
    return (await partners.where('key', '=', key).executeTakeFirst())?.sequence;
  }

  realRoutes(): string[] {
    return this.registered.filter((route) => !route.startsWith('HEAD ') && route.includes('/sales-orders')).toSorted();
  }

  documentedRoutes(): string[] {
    return routes.map(({ method, path }) => `${method} ${path}`).toSorted();
  }

  async #follow(): Promise<void> {
    await this.eventLog.read({
      topics: ['sales-order'],
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

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

const JSON_TYPE = { 'content-type': 'application/json' };
