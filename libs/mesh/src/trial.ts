import { fileURLToPath } from 'node:url';
import { type Caller, Permissions, tokenInvalid } from '@heddle/auth';
import {
  AVRO_CONTENT_TYPE,
  type EventAttributes,
  LOCAL_TENANT,
  MemoryEventLog,
  formatSequence,
  uuidv7,
} from '@heddle/event';
import { type Database, Outbox, type OutboxTables, type Relay, openDatabase } from '@heddle/outbox';
import { Health, createLog, createMetrics, listen } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Kysely } from 'kysely';
import { inject, vi } from 'vitest';
import { type Service, createService } from './service.js';

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
  body: Record<string, unknown>;
}

export type Seen = EventAttributes & { data: unknown };

/** An event of another service. */
export interface ForeignEvent {
  topic: string;
  type: string;
  key: string;
  /** Nothing for one that was published from elsewhere. */
  sequence: number | undefined;
  data: unknown;
}

const HOUR_MS = 3_600_000;

/** The whole service on a free port and a database of its own, with event log and registry in memory. For tests. */
export class ServiceTrial<T extends OutboxTables> {
  #events: Seen[] = [];
  /** Whoever may do everything here, unless a request says otherwise. */
  readonly #everything: string;

  private constructor(
    private readonly service: Service<T>,
    private readonly database: Database<T>,
    private readonly eventLog: MemoryEventLog,
    private readonly catalogue: Catalogue,
    private readonly codec: AvroCodec,
    private readonly running: { app: NestFastifyApplication; relay: Relay; url: string; routes: string[] },
    private readonly callers: Map<string, Caller>,
  ) {
    this.#everything = this.bearerOf(['*']);
  }

  static async open<T extends OutboxTables>(service: Service<T>): Promise<ServiceTrial<T>> {
    const { name, migrations } = service;
    const database = await openDatabase<T>({
      url: inject('stack').databaseUrl,
      database: `${name.replaceAll('-', '_')}_${process.pid}_${uuidv7().slice(-8)}`,
      pool: 10,
      migrations,
    });
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles(fileURLToPath(new URL('../../../schemas', import.meta.url))));
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    const eventLog = new MemoryEventLog({ decode: ({ value }) => codec.decode(value), partitions: 4 });
    const callers = new Map<string, Caller>();
    const { app, relay } = await createService(service, {
      tenant: LOCAL_TENANT,
      verifier: {
        verify(token) {
          const caller = callers.get(token);
          if (caller === undefined) throw tokenInvalid('nobody has it');
          return caller;
        },
      },
      database,
      outbox: new Outbox({ catalogue, codec, source: `/test/${name}` }),
      eventLog,
      log: createLog(name, 'silent'),
      health: new Health(),
      metrics: createMetrics(name),
    });
    const routes: string[] = [];
    const server = app.getHttpAdapter().getInstance();
    server.addHook('onRoute', ({ method, url }) => {
      for (const verb of [method].flat()) routes.push(`${verb} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    });
    await app.startAllMicroservices();
    const url = await listen(app, { host: '127.0.0.1', port: 0 });
    const running = { app, relay, url, routes };
    const trial = new ServiceTrial(service, database, eventLog, catalogue, codec, running, callers);
    await trial.#follow();
    return trial;
  }

  get db(): Kysely<T> {
    return this.database.db;
  }

  async close(): Promise<void> {
    await this.running.app.close();
    await this.running.relay.stop(0);
    await this.eventLog.close();
    this.catalogue.close();
    await this.database.close();
  }

  request(method: Method, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    if (body === undefined) return this.#ask(path, { method, headers });
    return this.#ask(path, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** With a body as it is. */
  raw(
    method: Method,
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    contentType: string,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#ask(path, { method, headers: { ...headers, 'content-type': contentType }, body });
  }

  /** With a body that comes as it is read, and whose size nobody says. */
  stream(method: Method, path: string, body: ReadableStream<Uint8Array>): Promise<Answer> {
    return this.#ask(path, { method, body, duplex: 'half' } as RequestInit);
  }

  /** The value of an authorization header for somebody with these permissions. */
  bearerOf(permissions: readonly string[], tenant = LOCAL_TENANT): string {
    const token = `token-${this.callers.size + 1}`;
    const now = Date.now();
    this.callers.set(token, {
      tenant,
      namespace: `${tenant}/mesh/test`,
      client: 'tester',
      permissions: Permissions.of(permissions),
      grantedAt: now,
      expiresAt: now + HOUR_MS,
    });
    return `Bearer ${token}`;
  }

  /** What each operation in the document answers to a request with this header, about an object there is not. */
  async statusesFor(authorization: string): Promise<Record<string, number>> {
    const statuses: Record<string, number> = {};
    for (const route of this.documentedRoutes()) {
      const [method, path] = route.split(' ') as [Method, string];
      const headers = { authorization, 'if-match': '*' };
      const body = method === 'GET' ? undefined : {};
      const { status } = await this.request(method, path.replaceAll(/\{\w+\}/g, '10'), body, headers);
      statuses[route] = status;
    }
    return statuses;
  }

  /** The events of a key, once there are as many as said. */
  eventsOf(key: string, count: number): Promise<Seen[]> {
    return vi.waitFor(
      () => {
        const events = this.#events.filter(({ subject }) => subject === key);
        if (events.length !== count) throw new Error(`${events.length} events of ${key}, not ${count}`);
        return events;
      },
      { timeout: 10_000 },
    );
  }

  forgetEvents(): void {
    this.#events = [];
  }

  /** Appends an event as another service would. */
  async append({ topic, type, key, sequence, data }: ForeignEvent): Promise<void> {
    const { schemaId } = await this.catalogue.find(type);
    const attributes = {
      id: uuidv7(),
      source: `/test/${topic}`,
      type,
      subject: key,
      datacontenttype: AVRO_CONTENT_TYPE,
      ...(sequence === undefined ? {} : { sequence: formatSequence(sequence) }),
    };
    await this.eventLog.append([{ topic, key, event: { attributes, value: this.codec.encode(schemaId, data) } }]);
  }

  /** Every operation that really answers. */
  realRoutes(): string[] {
    return this.running.routes.filter((route) => !route.startsWith('HEAD ')).toSorted();
  }

  /** Every operation in the document that the service serves. */
  documentedRoutes(): string[] {
    const { paths } = this.service.openApi as { paths: Record<string, object> };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    return operations.toSorted();
  }

  async #follow(): Promise<void> {
    await this.eventLog.read({
      topics: [this.service.name],
      from: (_topic, { earliest }) => earliest,
      onBatch: ({ events }) => {
        this.#events.push(...events.map(({ attributes, data }) => ({ ...attributes, data }) as Seen));
      },
    });
  }

  async #ask(path: string, request: RequestInit): Promise<Answer> {
    const headers = { authorization: this.#everything, ...(request.headers as Record<string, string>) };
    const answer = await fetch(`${this.running.url}${path}`, { ...request, headers });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      text,
      body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
