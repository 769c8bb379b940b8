import { randomUUID } from 'node:crypto';
import { answerProblem } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Limits } from '../../limits/limits.js';
import type { Grant, LeaseBook } from '../../queues/lease-book.js';
import { checkQueueName } from '../../queues/queue.shape.js';
import type { Doors } from '../protocol.js';
import type { LentRequest } from './lent.shape.js';
import { lentBody, readLent, settledText } from './pull.frames.js';

type Receive = Extract<LentRequest, { what: 'receive' }>;

const JSON_TYPE = 'application/json';

/**
 * Leases for connections at other instances, which stand for their receivers as the doors here do: what those have not been
 * given is taken back as if it had never been leased.
 */
export class LentLeases {
  readonly #waiting = new Map<string, AbortController>();
  #isClosed = false;

  constructor(
    private readonly doors: Pick<Doors, 'queues' | 'log'>,
    private readonly limits: Limits,
  ) {}

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      const { tenant, name } = request.params as { tenant: string; name: string };
      const asked = readLent(request.body as Buffer | undefined, this.limits.json);
      if (asked.what === 'leave') {
        this.#waiting.get(asked.wait)?.abort();
        return await reply.type(JSON_TYPE).send('{}');
      }
      const queue = this.doors.queues.open(tenant, checkQueueName(name));
      const { book } = queue;
      switch (asked.what) {
        case 'receive':
          return await this.#receive(asked, book, reply);
        case 'hand-back':
          book.handBack(asked.leases.map((token) => ({ token })));
          return await reply.type(JSON_TYPE).send('{}');
        case 'settle': {
          const results = book.settle(asked.settlements.map(({ lease, ...rest }) => ({ token: lease, ...rest })));
          await queue.settled();
          return await reply.type(JSON_TYPE).send(settledText(asked, results));
        }
      }
    } catch (error) {
      return answerProblem(reply, error, this.doors.log);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const waiting of this.#waiting.values()) waiting.abort();
  }

  async #receive(asked: Receive, book: LeaseBook, reply: FastifyReply): Promise<FastifyReply> {
    const { max, leaseMs, waitMs, receiver, link } = asked;
    const wish = { max, leaseMs, receiver, link };
    let grants = book.receive(wish);
    if (grants.length === 0 && waitMs > 0 && !this.#isClosed) {
      grants = await this.#wait(asked, reply, (signal) => book.waitFor(wish, waitMs, signal));
    }
    if (reply.raw.destroyed) {
      book.handBack(grants);
      return reply.hijack();
    }
    if (grants.length > 0) handBackUnlessSent(reply, book, grants);
    return reply.type(JSON_TYPE).send(lentBody(grants));
  }

  async #wait(
    { wait = randomUUID() }: Receive,
    { raw }: FastifyReply,
    waited: (signal: AbortSignal) => Promise<Grant[]>,
  ): Promise<Grant[]> {
    const leaving = new AbortController();
    const gone = (): void => leaving.abort();
    raw.once('close', gone);
    this.#waiting.set(wait, leaving);
    try {
      return await waited(leaving.signal);
    } finally {
      this.#waiting.delete(wait);
      raw.removeListener('close', gone);
    }
  }
}

/** An instance that did not get all of the answer has written none of it. */
function handBackUnlessSent({ raw }: FastifyReply, book: LeaseBook, grants: readonly Grant[]): void {
  let isSent = false;
  raw.once('finish', () => (isSent = true));
  raw.once('close', () => {
    if (!isSent) book.handBack(grants);
  });
}
