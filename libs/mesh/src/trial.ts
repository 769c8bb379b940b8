import { fileURLToPath } from 'node:url';
import { type Caller, Permissions, tokenInvalid } from '@heddle/auth';
import { AVRO_CONTENT_TYPE, type EventAttributes, LOCAL_TENANT, formatSequence, uuidv7 } from '@heddle/event';
import { type OutboxTables, createInboxTables } from '@heddle/outbox';
import { createMetrics, listen } from '@heddle/runtime';
import type { AvroCodec, Catalogue } from '@heddle/schema';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Kysely, Transaction } from 'kysely';
import { inject, vi } from 'vitest';
import { connectMesh } from './connect-mesh.js';
import type { AnyEvents } from './event-map.js';
import { type MemoryGround, openMemoryGround } from './memory-ground.js';
import { MemoryObjects } from './memory-objects.js';
import { Mesh } from './mesh.js';
import { type Service, createService } from './service.js';
import type { WatchedEventLog } from './watched-event-log.js';

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
  private readonly eventLog: WatchedEventLog;
  private readonly catalogue: Catalogue;
  private readonly codec: AvroCodec;

  private constructor(
    private readonly service: Service<T>,
    private readonly ground: MemoryGround<Transaction<T>>,
    private readonly running: { app: NestFastifyApplication; url: string; routes: string[] },
    private readonly mesh: Mesh<AnyEvents, Transaction<T>>,
    private readonly callers: Map<string, Caller>,
    /** Objects of other services, as a gateway would answer with them. */
    readonly objects: MemoryObjects,
  ) {
    ({ eventLog: this.eventLog, catalogue: this.catalogue, codec: this.codec } = ground);
    this.#everything = this.bearerOf(['*']);
  }

  static async open<T extends OutboxTables>(service: Service<T>): Promise<ServiceTrial<T>> {
    const { name, types, reactsTo = [], migrations } = service;
    const objects = new MemoryObjects();
    const ground = await openMemoryGround<Transaction<T>>({
      name,
      reactsTo,
      raises: types,
      schemas: [fileURLToPath(new URL('../../../schemas', import.meta.url))],
      database: {
        url: inject('stack').databaseUrl,
        name: `${name.replaceAll('-', '_')}_${process.pid}_${uuidv7().slice(-8)}`,
        migrations: { '000-heddle-inbox': createInboxTables, ...migrations },
      },
      request: objects.request,
      metrics: createMetrics(name),
    });
    const mesh = new Mesh<AnyEvents, Transaction<T>>(ground);
    const callers = new Map<string, Caller>();
    const verifier = {
      verify(token: string): Caller {
        const caller = callers.get(token);
        if (caller === undefined) throw tokenInvalid('nobody has it');
        return caller;
      },
    };
    const db = ground.db as Kysely<T>;
    const app = await createService(service, { ...ground, db, tenant: LOCAL_TENANT, verifier, mesh });
    const routes: string[] = [];
    const server = app.getHttpAdapter().getInstance();
    server.addHook('onRoute', ({ method, url }) => {
      for (const verb of [method].flat()) routes.push(`${verb} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    });
    const url = await listen(app, { host: '127.0.0.1', port: 0 });
    await connectMesh(app, mesh);
    const trial = new ServiceTrial(service, ground, { app, url, routes }, mesh, callers, objects);
    await trial.#follow();
    return trial;
  }

  get db(): Kysely<T> {
    return this.ground.db as Kysely<T>;
  }

  async close(): Promise<void> {
    await this.running.app.close();
    await this.mesh.stop();
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

  /** Every operation that really answers; what is below the path of an OData service is described by its `$metadata`. */
  realRoutes(): string[] {
    const isOther = (route: string): boolean => /^(?:HEAD|OPTIONS) |\/sap\/opu\/odata\/.*\*$/.test(route);
    return this.running.routes.filter((route) => !isOther(route)).toSorted();
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
