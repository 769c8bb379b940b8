import { type Caller, requirePermission } from '@heddle/auth';
import type { JsonLimits, Log } from '@heddle/runtime';
import { Limits } from '../../limits/limits.js';
import type { Taken } from '../../limits/rate-limits.js';
import { checkQueueName } from '../../queues/queue.shape.js';
import type { DoorGuard } from '../../identity/door-guard.js';
import type { OpenQueue, OpenQueues } from '../open-queue.js';
import { SocketSink } from '../../streams/socket-sink.js';
import { type ConnectionHome, QueueConnection } from './queue-connection.js';
import { HEDDLE_V1 } from './queue.frames.js';
import type { SocketRoute } from './socket-route.js';

/** A connection that is gone, with leases that its client may come back for. */
interface Gone {
  tenant: string;
  queue: OpenQueue;
  leases: Set<string>;
  timer: NodeJS.Timeout;
}

/** Connections that are gone and remembered; of more, the leases of the oldest run out by themselves. */
const MAX_GONE = 10_000;

/** The connections to queues of this instance: `GET /v1/queues/{name}/connect`. */
export class QueueConnections implements ConnectionHome {
  readonly slowMs: number;
  readonly json: JsonLimits;
  #live = new Map<string, QueueConnection>();
  #gone = new Map<string, Gone>();

  constructor(
    private readonly queues: OpenQueues,
    private readonly guard: Pick<DoorGuard, 'identifyToken'>,
    private readonly log: Log,
    private readonly limits = new Limits(),
  ) {
    this.slowMs = limits.values.limitSlowMs;
    this.json = limits.json;
  }

  get route(): SocketRoute {
    return {
      path: /^\/v1\/queues\/([^/]+)\/connect$/,
      subprotocol: HEDDLE_V1,
      maxMessageBytes: this.limits.values.limitMessageBytes,
      admit: (caller, _url, [, encoded]) => {
        const name = checkQueueName(decoded(encoded!));
        requirePermission(caller, 'consume', 'queue', name);
        const queue = this.queues.open(caller.tenant, name);
        return (client, socket, session) => {
          const sink = new SocketSink(socket, () => client.close());
          const receiver = { kind: 'websocket' as const, name: session.address };
          const connection = new QueueConnection(queue, { client, sink, session }, receiver, this);
          this.#live.set(connection.id, connection);
        };
      },
    };
  }

  /** Sends every client elsewhere. */
  close(): void {
    for (const connection of this.#live.values()) connection.close('stopping');
    for (const { timer } of this.#gone.values()) clearTimeout(timer);
    this.#gone.clear();
  }

  takeOver(id: string, by: QueueConnection): Set<string> {
    const live = this.#live.get(id);
    if (live !== undefined && live !== by && isSame(live, by)) {
      const { leases } = live;
      live.leases = new Set();
      // Its network may be gone without a word; nothing must be delivered into that.
      live.close('replaced');
      return leases;
    }
    const gone = this.#gone.get(id);
    if (gone === undefined || !isSame(gone, by)) return new Set();
    this.#forget(id);
    return gone.leases;
  }

  ended({ id, tenant, queue, leases, leasedUntil }: QueueConnection): void {
    this.#live.delete(id);
    const leftMs = leasedUntil - Date.now();
    if (leases.size === 0 || leftMs <= 0) return;
    if (this.#gone.size >= MAX_GONE) this.#forget(this.#gone.keys().next().value!);
    const timer = setTimeout(() => this.#gone.delete(id), leftMs);
    timer.unref();
    this.#gone.set(id, { tenant, queue, leases, timer });
  }

  take({ tenant, client }: Caller): Taken {
    return this.limits.rates.take(tenant, client, 1);
  }

  identify(token: string): Caller | Promise<Caller> {
    return this.guard.identifyToken(token);
  }

  failed(error: unknown): void {
    this.log.warn({ event: 'settle-unanswered', err: error }, 'settlements could not be made durable');
  }

  #forget(id: string): void {
    clearTimeout(this.#gone.get(id)?.timer);
    this.#gone.delete(id);
  }
}

/** Names with slashes in them are percent-encoded; what is not as it should be is no name. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Leases are those of one owner: after a takeover there is nothing to go on with. */
function isSame(one: Pick<Gone, 'tenant' | 'queue'>, other: Pick<Gone, 'tenant' | 'queue'>): boolean {
  return one.tenant === other.tenant && one.queue.name === other.queue.name && one.queue.epoch === other.queue.epoch;
}
