import { type Access, callerOf } from '@heddle/auth';
import { answerProblem, bytesParser } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Limits } from '../../limits/limits.js';
import type { Grant, LeaseBook } from '../../queues/lease-book.js';
import { checkQueueName } from '../../queues/queue.shape.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { LentLeases } from './lent-leases.js';
import { readReceive, readSettle, receivedBody, settledText } from './pull.frames.js';

const PATH = '/v1/queues/:name';
const ACCESS: Access = { verb: 'consume', kind: 'queue', param: 'name' };
const JSON_TYPE = 'application/json';
/** Between instances. */
const LENT_PATH = '/v1/tenants/:tenant/queues/:name/leases';

/** `POST /v1/queues/{name}/receive` and `/settle`: deliveries for whoever comes and asks. */
export const pull: Protocol = {
  name: 'pull',
  open(doors: Doors): OpenProtocol {
    const limits = doors.limits ?? new Limits();
    const door = new PullDoor(doors, limits);
    const lent = new LentLeases(doors, limits);
    void doors.server.register((scope, _options, ready) => {
      // Bodies come as bytes and are parsed here, so that what is wrong with them is answered like everywhere else.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, bytesParser(limits.values));
      const config = { access: ACCESS };
      scope.post(`${PATH}/receive`, { config }, (request, reply) => door.receive(request, reply));
      scope.post(`${PATH}/settle`, { config }, (request, reply) => door.settle(request, reply));
      scope.post(LENT_PATH, { config: { access: 'instance' } }, (request, reply) => lent.answer(request, reply));
      ready();
    });
    return {
      close: () => {
        door.close();
        lent.close();
      },
    };
  },
};

class PullDoor {
  /** Receivers that wait, so that they can be sent elsewhere when this process stops. */
  readonly #waiting = new Set<AbortController>();
  #closed = false;

  constructor(
    private readonly doors: Doors,
    private readonly limits: Limits,
  ) {}

  async receive(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      const { max, waitMs, leaseMs } = readReceive(request.body as Buffer | undefined, this.limits.json);
      const { book } = this.doors.queues.open(callerOf(request).tenant, nameOf(request));
      const wish = { max, leaseMs, receiver: { kind: 'pull' as const, name: request.ip } };
      let grants = book.receive(wish);
      if (grants.length === 0 && waitMs > 0 && !this.#closed) {
        grants = await this.#wait(reply, (signal) => book.waitFor(wish, waitMs, signal));
        if (reply.raw.destroyed) {
          book.handBack(grants);
          return await reply.hijack();
        }
      }
      if (grants.length > 0) releaseUnlessSent(reply, book, grants);
      return await reply.type(JSON_TYPE).send(receivedBody(grants));
    } catch (error) {
      return answerProblem(reply, error, this.doors.log);
    }
  }

  async settle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      const settle = readSettle(request.body as Buffer | undefined, this.limits.json);
      const queue = this.doors.queues.open(callerOf(request).tenant, nameOf(request));
      const results = queue.book.settle(settle.settlements.map(({ lease, ...rest }) => ({ token: lease, ...rest })));
      await queue.settled();
      return await reply.type(JSON_TYPE).send(settledText(settle, results));
    } catch (error) {
      return answerProblem(reply, error, this.doors.log);
    }
  }

  close(): void {
    this.#closed = true;
    for (const abort of this.#waiting) abort.abort();
  }

  /** Waits until there is something, the client goes away, or this process stops. */
  async #wait(reply: FastifyReply, wait: (signal: AbortSignal) => Promise<Grant[]>): Promise<Grant[]> {
    const abort = new AbortController();
    const gone = (): void => abort.abort();
    reply.raw.once('close', gone);
    this.#waiting.add(abort);
    try {
      return await wait(abort.signal);
    } finally {
      this.#waiting.delete(abort);
      reply.raw.removeListener('close', gone);
    }
  }
}

/**
 * An answer that did not get through: nobody works on these leases, so they need not run out. Part of it may have been
 * read, so the attempts count, and the deliveries come again as what they are.
 */
function releaseUnlessSent({ raw }: FastifyReply, book: LeaseBook, grants: readonly Grant[]): void {
  let isSent = false;
  raw.once('finish', () => (isSent = true));
  raw.once('close', () => {
    if (isSent) return;
    book.settle(grants.map(({ token }) => ({ token, action: 'release', reason: 'connection lost' })));
  });
}

/** @throws HeddleError `parameter-invalid` */
function nameOf(request: FastifyRequest): string {
  return checkQueueName((request.params as { name: string }).name);
}
