import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Caller } from '@heddle/auth';
import { ERRORS, type ErrorCode, HeddleError, slotOf } from '@heddle/event';
import { answerProblem } from '@heddle/runtime';
import type { Log } from '@heddle/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Agent, request as fetchFrom } from 'undici';
import { sapPlace } from './event-mesh/sap-path.js';
import type { DoorGuard } from './identity/door-guard.js';
import { webhookOfToken } from './protocols/webhook/handshake.js';
import type { Ownership } from './queues/ownership.js';
import type { QueueDirectory } from './queues/queue-directory.js';

/**
 * On a request that one instance hands on to another: who asks, signed. It says too that it was handed on, which it is
 * once at most.
 */
export const HOP_HEADER = 'heddle-hop';
/** That an instance does not answer is said once in this time, however many requests are for it. */
const SAY_AGAIN_MS = 5000;
/** A pull may wait for 30 s; whoever hands it on waits a little longer. */
const ANSWER_TIMEOUT_MS = 40_000;
const CONNECT_TIMEOUT_MS = 2000;
/** What an instance gets to answer in once it was told that nobody waits any more. */
const LEAVE_MS = 2000;
const PATH = /^\/v1\/(queues|channels|webhooks)\/([^/?]+)(?:\/([^/?]+))?/;
/** Headers that are about one connection (RFC 9110 §7.6.1), or that the next request says for itself. */
const NOT_HANDED_ON = new Set([
  ...['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host', 'content-length'],
  ...['authorization', HOP_HEADER],
]);
/** In an upgrade, what of that another instance is not told, for it is told who asks; and what anybody may have written. */
const CREDENTIALS = new Set(['authorization', HOP_HEADER, 'x-forwarded-for']);

/**
 * Hands requests for a queue, or a webhook, to the instance that works on it: whole, as they came, and the answer back.
 * A receiver need not know how many instances there are, nor which of them it reached.
 */
export class Hop {
  readonly #saidAt = new Map<string, number>();
  readonly #agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    connections: 256,
  });

  constructor(
    private readonly directory: Pick<QueueDirectory, 'webhook' | 'ownerOf'>,
    private readonly ownership: Pick<Ownership, 'owns'>,
    private readonly ownUrl: string,
    private readonly guard: Pick<DoorGuard, 'identify' | 'refuse' | 'hopToken'>,
    private readonly log: Log,
  ) {}

  /** Answers requests for what other instances work on; added before any route that may name some of it. */
  attach(server: FastifyInstance): void {
    const handOn = (request: FastifyRequest, reply: FastifyReply) => this.#unlessHere(request, reply);
    server.addHook('onRoute', (route) => {
      if (!namesWork(route.url)) return;
      const own = route.preHandler ?? [];
      route.preHandler = [handOn, ...(Array.isArray(own) ? own : [own])];
    });
  }

  async #unlessHere(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const { caller, url, body, headers } = request;
    // Where everybody may come in, nobody has looked yet whether this was said by an instance.
    if (caller === undefined && headers[HOP_HEADER] !== undefined) {
      try {
        await this.guard.identify(request);
      } catch (error) {
        return this.guard.refuse(reply, error);
      }
    }
    const owner = this.#ownerOf(caller?.tenant, url, body);
    return owner === undefined ? undefined : this.#handOn(owner, request, reply);
  }

  /**
   * Joins an upgrade for a queue of another instance with that one; false when it is to be answered here.
   *
   * @throws HeddleError `queue-elsewhere` when it was handed on once already
   */
  pipe(caller: Caller, request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const owner = this.#ownerOf(caller.tenant, request.url ?? '/', undefined);
    if (owner === undefined) return false;
    if (request.headers[HOP_HEADER] !== undefined) throw movingOn();
    const token = this.guard.hopToken(caller);
    if (typeof token === 'string') this.#join(owner, { request, socket, head, token });
    else {
      const join = (signed: string): void => this.#join(owner, { request, socket, head, token: signed });
      token.then(join).catch(() => socket.destroy());
    }
    return true;
  }

  #join(
    owner: string,
    { request, socket, head, token }: { request: IncomingMessage; socket: Duplex; head: Buffer; token: string },
  ): void {
    const { hostname, port } = new URL(owner);
    const upstream = connect({ host: hostname, port: Number(port), timeout: CONNECT_TIMEOUT_MS });
    const end = (): void => {
      socket.destroy();
      upstream.destroy();
    };
    upstream.once('connect', () => {
      upstream.setTimeout(0);
      upstream.setNoDelay(true);
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let index = 0; index < request.rawHeaders.length; index += 2) {
        const name = request.rawHeaders[index]!;
        if (!CREDENTIALS.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[index + 1]}`);
      }
      upstream.write(`${lines.join('\r\n')}\r\n${HOP_HEADER}: ${token}\r\n\r\n`);
      upstream.write(head);
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    for (const side of [upstream, socket]) {
      side.on('error', end);
      side.on('close', end);
    }
    upstream.on('timeout', end);
  }

  elsewhere(tenant: string, queue: string): string | undefined {
    const slot = slotOf(tenant, queue);
    if (this.ownership.owns(slot)) return undefined;
    const address = this.directory.ownerOf(slot)?.address;
    return address === this.ownUrl ? undefined : address;
  }

  tokenFor(caller: Caller): string | Promise<string> {
    return this.guard.hopToken(caller);
  }

  /**
   * Asks the instance that works on a queue for something of its own accord.
   *
   * @throws HeddleError `queue-elsewhere` when nobody does now, or it does not answer; `conflict` with its refusal
   */
  async post(tenant: string, queue: string, path: string, body: unknown): Promise<void> {
    await this.#ask(tenant, queue, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [HOP_HEADER]: await this.guard.hopToken() },
      body: JSON.stringify(body),
    });
  }

  /** The same in the name of a caller: that something which is at work beside a queue is deleted. What is not there is. */
  async delete(caller: Caller, queue: string, path: string): Promise<void> {
    const headers = { [HOP_HEADER]: await this.guard.hopToken(caller) };
    await this.#ask(caller.tenant, queue, path, { method: 'DELETE', headers });
  }

  async #ask(
    tenant: string,
    queue: string,
    path: string,
    request: { method: 'POST' | 'DELETE'; headers: Record<string, string>; body?: string },
  ): Promise<void> {
    const address = this.directory.ownerOf(slotOf(tenant, queue))?.address;
    if (address === undefined || address === this.ownUrl) throw movingOn();
    const answer = await fetchFrom(address + path, { dispatcher: this.#agent, ...request }).catch((error: unknown) => {
      throw new HeddleError('queue-elsewhere', 'The instance that works on the queue did not answer.', {
        cause: error,
        retryAfterSeconds: 1,
      });
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300 || (answer.statusCode === 404 && request.method === 'DELETE')) return;
    if (answer.statusCode >= 500) throw movingOn();
    throw new HeddleError('conflict', `The instance that works on the queue refused: ${text.slice(0, 500)}`);
  }

  /**
   * Asks the instance that works on a queue to lease, to settle or to take back.
   *
   * @throws HeddleError its refusal; `queue-elsewhere` when nobody works on the queue now, or this instance does
   */
  async askQueue(
    { tenant }: Pick<Caller, 'tenant'>,
    queue: string,
    what: 'receive' | 'settle' | 'hand-back',
    body: object,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const address = this.directory.ownerOf(slotOf(tenant, queue))?.address;
    if (address === undefined || address === this.ownUrl) throw movingOn();
    const url = `${address}/v1/tenants/${tenant}/queues/${encodeURIComponent(queue)}/leases`;
    const headers = { 'content-type': 'application/json', [HOP_HEADER]: await this.guard.hopToken() };
    const ask = (asked: object, given: AbortSignal | null) =>
      fetchFrom(url, { dispatcher: this.#agent, method: 'POST', headers, body: JSON.stringify(asked), signal: given });
    // Where it is over already, nothing has been leased yet.
    if (signal?.aborted === true) throw movingOn();
    const waiting = signal && waitOf(signal, (wait) => ask({ what: 'leave', wait }, null));
    try {
      const answer = await ask({ what, ...body, ...(waiting && { wait: waiting.id }) }, waiting?.given ?? null);
      const json = (await answer.body.json()) as { code?: string; detail?: string };
      if (answer.statusCode < 300) return json;
      const { code = '', detail = '' } = json;
      if (answer.statusCode >= 500 || !Object.hasOwn(ERRORS, code)) throw movingOn();
      throw new HeddleError(code as ErrorCode, detail);
    } catch (error) {
      if (error instanceof HeddleError) throw error;
      if (waiting?.isLeft() !== true) this.#say(address, error);
      throw movingOn(error);
    } finally {
      waiting?.end();
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** The URL of the instance that works on what a path names; nothing when that is this one, or nobody now. */
  #ownerOf(tenant: string | undefined, path: string, body: unknown): string | undefined {
    const queue = this.#workedOn(tenant, path, body);
    return queue?.tenant === undefined ? undefined : this.elsewhere(queue.tenant, queue.name);
  }

  /** The queue that a request is about, directly or by a webhook that reads it. */
  #workedOn(
    tenant: string | undefined,
    path: string,
    body: unknown,
  ): { tenant: string | undefined; name: string } | undefined {
    const match = PATH.exec(path);
    if (match === null) {
      const place = sapPlace(path, body);
      if (place === undefined) return undefined;
      return 'queue' in place
        ? { tenant, name: place.queue }
        : this.#queueOf(tenant, place.webhook, { rest: undefined, body: undefined });
    }
    const [, kind = '', encoded = '', rest] = match;
    if (kind === 'webhooks') return this.#queueOf(tenant, nameFrom(encoded), { rest, body });
    return { tenant, name: nameFrom(encoded) };
  }

  /** The queue whose owner answers for a webhook: the one it reads, or will read. */
  #queueOf(
    asking: string | undefined,
    given: string,
    { rest, body }: { rest: string | undefined; body: unknown },
  ): { tenant: string; name: string } | undefined {
    // A receiver that gives its consent has no tenant but that of the token it was given.
    const webhook = given === 'handshake' ? webhookOfToken(nameFrom(rest ?? '')) : { tenant: asking, name: given };
    if (webhook?.tenant === undefined) return undefined;
    const { tenant, name } = webhook;
    const known = this.directory.webhook(tenant, name);
    const wished = (body as { queue?: unknown } | null | undefined)?.queue;
    return { tenant, name: known?.queue ?? (typeof wished === 'string' ? wished : name) };
  }

  #say(owner: string, error: unknown): void {
    const now = Date.now();
    if (now - (this.#saidAt.get(owner) ?? 0) < SAY_AGAIN_MS) return;
    this.#saidAt.set(owner, now);
    this.log.warn({ event: 'hop-failed', owner, err: error }, 'the instance that works on a queue did not answer');
  }

  async #handOn(owner: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    if (request.headers[HOP_HEADER] !== undefined) return answerProblem(reply, movingOn(), this.log);
    const given = new AbortController();
    // A receiver that gives up while it waits must not be given leases it will never see.
    const gone = (): void => given.abort();
    reply.raw.once('close', gone);
    try {
      const answer = await fetchFrom(owner + request.url, {
        dispatcher: this.#agent,
        method: request.method as 'GET',
        headers: {
          ...handedOn(request.headers),
          // As this instance knows it: an instance on the host of a trusted proxy is believed what it hands on.
          'x-forwarded-for': request.ip,
          [HOP_HEADER]: await this.guard.hopToken(request.caller),
        },
        body: bodyOf(request.body),
        signal: given.signal,
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      return await reply.status(answer.statusCode).headers(handedOn(answer.headers)).send(bytes);
    } catch (error) {
      if (given.signal.aborted) return await reply.hijack();
      this.#say(owner, error);
      return await answerProblem(reply, movingOn(), this.log);
    } finally {
      reply.raw.off('close', gone);
    }
  }
}

/**
 * A wait at another instance that ends when a signal says so: that one is told, so that it answers with what it has leased by
 * then, which is not lost with a connection. One that does not answer is left.
 */
function waitOf(signal: AbortSignal, leave: (id: string) => Promise<{ body: { dump(): Promise<void> } }>) {
  const id = randomUUID();
  const given = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => given.abort(), LEAVE_MS);
    leave(id).then(
      ({ body }) => body.dump(),
      () => given.abort(),
    );
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    id,
    given: given.signal,
    isLeft: () => timer !== undefined,
    end(): void {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    },
  };
}

/** Whether requests at a route may be about a queue or a webhook, which one instance works on. */
function namesWork(route: string): boolean {
  return PATH.test(route) || sapPlace(route, { address: 'queue:any', name: 'any' }) !== undefined;
}

function nameFrom(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function handedOn(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_HANDED_ON.has(name)) result[name] = value;
  }
  return result;
}

/** A body that was parsed already is written again; the pull door takes bytes as they are. */
function bodyOf(body: unknown): Buffer | string | null {
  if (body === undefined || body === null) return null;
  return Buffer.isBuffer(body) ? body : JSON.stringify(body);
}

function movingOn(cause?: unknown): HeddleError {
  return new HeddleError('queue-elsewhere', 'The queue is moving from one instance to another; try again.', {
    retryAfterSeconds: 1,
    cause,
  });
}
