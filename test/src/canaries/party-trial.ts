import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Caller } from '@heddle/auth';
import type { GatewayTrial } from '../../../apps/gateway/src/gateway-trial.js';
import { callerFor } from '../../../apps/gateway/src/identity/identity-trial.js';
import type { Chance } from '../support/chance.js';
import { type MqttDoings, openMqtt } from './mqtt-door-trial.js';

/** Where bytes come to a tenant. */
export type CanaryDoor = 'body' | 'header' | 'sse' | 'stream' | 'queue' | 'webhook' | 'fetched' | 'mqtt';

/** Searches what comes to a tenant for what only others can have put in. */
export class Watch {
  readonly leaks: { to: string; of: string; door: string; text: string }[] = [];
  readonly #own = new Map<string, number>();
  bytes = 0;

  constructor(private readonly tenants: readonly string[]) {}

  /** @param tenant whom it came to; nobody's, where it is for everybody */
  saw(tenant: string | undefined, door: string, text: string): void {
    this.bytes += text.length;
    for (const other of this.tenants) {
      const at = text.indexOf(wordOf(other));
      if (at < 0) continue;
      if (other === tenant) {
        const name = `${tenant} ${door}`;
        this.#own.set(name, (this.#own.get(name) ?? 0) + 1);
      } else if (this.leaks.length < 20) {
        this.leaks.push({
          to: tenant ?? 'everybody',
          of: other,
          door,
          text: text.slice(Math.max(0, at - 200), at + 200),
        });
      }
    }
  }

  /** How often something of its own came to a tenant at a door. */
  own(tenant: string, door: CanaryDoor): number {
    return this.#own.get(`${tenant} ${door}`) ?? 0;
  }
}

/** What nobody but a tenant puts in anywhere; the name of a tenant is none of the others' business, either. */
function wordOf(tenant: string): string {
  return tenant === 'local' ? canaryOf(tenant) : tenant;
}

function canaryOf(tenant: string): string {
  return `canary-of-${tenant}`;
}

export interface PartyAnswer {
  status: number;
  headers: Record<string, string>;
  json: Record<string, unknown>;
}

/** Bytes without an end, searched as they come; what lies across two pieces is found, too. */
class Searched {
  #last = '';
  /** What came lately. */
  recent = '';

  constructor(private readonly found: (text: string) => void) {}

  add(piece: string): void {
    this.found(this.#last + piece);
    this.#last = piece.slice(-64);
    this.recent = (this.recent + piece).slice(-20_000);
  }
}

/** A tenant: what it knows of its own things, and whatever it is answered. */
export class Party {
  readonly canary: string;
  readonly caller: Caller;
  /** Tokens and ids that it was given, by kind, the newest last. */
  readonly known = new Map<string, string[]>();
  readonly streams: { close(): void }[] = [];
  readonly queues: { socket: WebSocket; close(): void }[] = [];
  readonly devices: { close(): void }[] = [];
  /** Called routes, as method and path. */
  readonly called = new Set<string>();
  readonly unexpected: string[] = [];
  readonly authorization: string;

  constructor(
    readonly tenant: string,
    readonly trial: GatewayTrial,
    readonly chance: Chance,
    readonly watch: Watch,
    readonly hook: string,
  ) {
    this.canary = canaryOf(tenant);
    this.caller = callerFor(tenant, ['*'], `client-${this.canary}`);
    this.authorization = trial.guard.bearerFor(this.caller);
  }

  /** Keeps something it was given, to be used later, by itself or by others. */
  learn(kind: string, values: readonly (string | undefined)[]): void {
    const known = this.known.get(kind) ?? [];
    known.push(...values.filter((value) => value !== undefined));
    known.splice(0, known.length - 50);
    this.known.set(kind, known);
  }

  /** One of those it knows; something that nobody knows, when there is none. */
  some(kind: string): string {
    const known = this.known.get(kind) ?? [];
    return known.length === 0 ? 'unknown' : this.oneOf(known);
  }

  oneOf<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** A whole number from 0 to below the bound. */
  below(bound: number): number {
    return this.chance.between(0, bound - 1);
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<PartyAnswer> {
    this.called.add(`${method} ${path.split('?', 1)[0]!}`);
    const isRaw = typeof body === 'string';
    const answer = await fetch(this.trial.url + path, {
      method,
      headers: {
        authorization: this.authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status >= 500 && answer.status !== 503)
      this.unexpected.push(`${method} ${path}: ${answer.status} ${text}`);
    this.watch.saw(this.tenant, path.startsWith('/v1/objects/sales-order/') ? 'fetched' : 'body', text);
    this.watch.saw(this.tenant, 'header', JSON.stringify([...answer.headers]));
    const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
    const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: answer.status, headers: Object.fromEntries(answer.headers), json };
  }

  /** Server-sent events, read until they are closed or a few are open. */
  async listen(query: string, headers: Record<string, string> = {}): Promise<void> {
    this.called.add('GET /v1/stream');
    const abort = new AbortController();
    const answer = await fetch(`${this.trial.url}/v1/stream?${query}`, {
      headers: { authorization: this.authorization, ...headers },
      signal: abort.signal,
    });
    const searched = new Searched((text) => this.watch.saw(this.tenant, 'sse', text));
    if (answer.status !== 200) return searched.add(await answer.text());
    this.#keep(this.streams, { close: () => abort.abort() });
    void (async () => {
      try {
        for await (const piece of answer.body!) {
          searched.add(Buffer.from(piece).toString());
          this.learn(
            'resume',
            [...searched.recent.matchAll(/^id: ?(.+)$/gm)].slice(-1).map(([, token]) => token),
          );
        }
      } catch {
        // It was closed from here, or by the gateway.
      }
    })();
  }

  /** A WebSocket: of events, or to a queue. */
  async connect(path: string, protocol: string, door: 'stream' | 'queue'): Promise<WebSocket | undefined> {
    this.called.add(`GET ${path.split('?', 1)[0]!}`);
    const socket = new WebSocket(this.trial.url.replace('http', 'ws') + path, {
      protocols: protocol,
      headers: { authorization: this.authorization },
    });
    const searched = new Searched((text) => this.watch.saw(this.tenant, door, text));
    socket.addEventListener('message', ({ data }) => {
      const text = String(data);
      searched.add(text);
      if (door === 'stream') return this.learn('resume', [/"resumetoken":"([^"]+)"/.exec(text)?.[1]]);
      const frame = JSON.parse(text) as { connection?: string; deliveries?: { lease: string }[] };
      this.learn('connection', [frame.connection]);
      this.learn(
        'lease',
        (frame.deliveries ?? []).map(({ lease }) => lease),
      );
    });
    socket.addEventListener('close', ({ reason }) => this.watch.saw(this.tenant, door, reason));
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('error', () => resolve(false));
      socket.addEventListener('close', () => resolve(false));
    });
    if (!isOpen) return undefined;
    if (door === 'stream') this.#keep(this.streams, { close: () => socket.close() });
    else this.#keep(this.queues, { socket, close: () => socket.close() });
    return socket;
  }

  /** A device; those of all tenants have the same client ids. */
  async mqtt(doings: Pick<MqttDoings, 'clientId' | 'filters' | 'publishes'>): Promise<void> {
    const searched = new Searched((text) => this.watch.saw(this.tenant, 'mqtt', text));
    const { authorization, trial } = this;
    const onBytes = (bytes: Buffer): void => searched.add(bytes.toString('latin1'));
    this.#keep(this.devices, await openMqtt({ ...doings, url: trial.url, authorization, onBytes }));
  }

  close(): void {
    for (const one of [...this.streams, ...this.queues, ...this.devices]) one.close();
  }

  #keep<T extends { close(): void }>(list: T[], one: T): void {
    list.push(one);
    if (list.length > 3) list.shift()!.close();
  }
}

/** Where the webhooks of all tenants go, and the service that owns their objects: the path says whose a request is. */
export class CanarySink {
  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async open(watch: Watch): Promise<CanarySink> {
    let count = 0;
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      request.on('end', () => {
        const owned = ownedBy(request);
        if (owned !== undefined) {
          response.setHeader('content-type', 'application/json');
          response.setHeader('etag', '"1"');
          response.end(JSON.stringify({ SalesOrder: '1', owner: canaryOf(owned) }));
          return;
        }
        const tenant = request.url!.split('/')[1]!;
        watch.saw(tenant, 'webhook', `${request.rawHeaders.join('\n')}\n${body}`);
        // It refuses some, and says what it got: that is kept with the attempt.
        response.statusCode = count++ % 3 === 0 ? 500 : 204;
        response.end(response.statusCode === 500 ? body.slice(0, 500) + canaryOf(tenant) : undefined);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new CanarySink(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** The tenant that an object is asked for, which the gateway says by its token. */
function ownedBy({ headers }: IncomingMessage): string | undefined {
  return /^Bearer token of (.+)$/.exec(headers.authorization ?? '')?.[1];
}
