import { type Caller, Permissions } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { Hop } from '../hop.js';
import type { Webhooks } from '../protocols/webhook/webhooks.js';
import type { Queues } from '../queues/queues.js';
import { EVENTS, MESSAGING } from './sap-path.js';

export interface ClientSubscriptionsParts {
  webhooks: Pick<Webhooks, 'list' | 'delete'>;
  queues: Pick<Queues, 'atWork'>;
  hop: Pick<Hop, 'delete'>;
}

const ALL = Permissions.of(['*']);

/** The webhook subscriptions that a client has made at the doors of SAP Event Mesh, wherever they are at work. */
export class ClientSubscriptions {
  constructor(private readonly parts: ClientSubscriptionsParts) {}

  /** Whether a client of the caller's tenant has any. */
  any(caller: Caller, client: string): boolean {
    return this.#of(caller, client).length > 0;
  }

  /**
   * Ends them all, with the queues that they brought, and none that they only read; for whoever may delete the client.
   * Those that are gone stay so when another one cannot be ended now.
   *
   * @throws HeddleError `queue-elsewhere`
   */
  async end(caller: Caller, client: string): Promise<void> {
    const { webhooks, queues, hop } = this.parts;
    for (const { name, queue, subscription } of this.#of(caller, client)) {
      if (queues.atWork(caller.tenant, queue) !== undefined) {
        await webhooks.delete(caller, name).catch(unlessGone);
        continue;
      }
      const door = subscription?.door === 'events' ? `${EVENTS}/events` : MESSAGING;
      await hop.delete({ ...caller, permissions: ALL }, queue, `${door}/subscriptions/${encodeURIComponent(name)}`);
    }
  }

  #of(caller: Caller, client: string) {
    const all = this.parts.webhooks.list({ ...caller, permissions: ALL });
    return all.filter(({ subscription }) => subscription?.client === client);
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof HeddleError) || error.code !== 'not-found') throw error;
}
