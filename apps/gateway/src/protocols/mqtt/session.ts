import type { Caller } from '@heddle/auth';
import { Recent } from '@heddle/auth';
import type { Taken } from './intake.js';
import type { Will } from './connect.js';
import { Flight } from './flight.js';
import { PacketUses } from './packet-uses.js';
import type { DeliverySource } from './source.js';
import type { StoredSession } from './stored-session.js';
import { Subscriptions } from './subscriptions.js';

/** What a session needs of the connection that it has now. */
export interface SessionConnection {
  /** Another connection goes on with the session: this one is told so, and ends. */
  takenOver(): void;
  /** The session is over or goes on elsewhere: this connection ends. */
  dismiss(reason: 'moved' | 'deleted'): void;
  /** Hears now and then for how long the oldest message has been on its way. */
  waited(ms: number): void;
}

/** How long its leases last; they are renewed well before that. */
export const LEASE_MS = 60_000;
/** Messages that a session is not to be given, of each kind. */
const MAX_OWN = 10_000;

/**
 * What the server knows of a client from one connection to the next (MQTT 5 §4.1): its subscriptions, what is on its way
 * to it, and which messages of QoS 2 it has brought. Its queue keeps what it has not been given yet. Leases are renewed
 * for as long as the session lasts, so that what is on its way comes again under its id and in its order.
 */
export class MqttSession {
  readonly subscriptions: Subscriptions;
  readonly flight = new Flight();
  /** Messages of QoS 2 that were published and not released by the client, by packet id. */
  readonly received = new Map<number, Promise<Taken>>();
  /** Ids of what it has published itself. */
  readonly own = new Recent<true>(MAX_OWN);
  /** What the client has acknowledged, and nobody is sure to know: accepted without a word when it comes again. */
  readonly acknowledged = new Recent<true>(MAX_OWN);
  /** Names of messages of QoS 2, so that one that comes again is known. */
  uses = new PacketUses();
  /** Whether those outlive this instance. */
  hasKeptUses = false;
  /** Whether it was begun by an instance that is gone, or works on it no more: what was received there is in the log. */
  isRevived = false;
  expirySeconds: number;
  will: Will | undefined;
  /** Whose rights the will is published with. */
  caller: Caller;
  connection: SessionConnection | undefined;
  /** Its own queue, once it has one. */
  source: DeliverySource | undefined;
  /** Ends it when the client has been away for long enough. */
  expiry: NodeJS.Timeout | undefined;
  willTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    readonly clientId: string,
    caller: Caller,
    expirySeconds: number,
    stored?: StoredSession,
  ) {
    this.caller = caller;
    this.expirySeconds = expirySeconds;
    this.subscriptions = new Subscriptions(stored?.subscriptions);
  }

  get tenant(): string {
    return this.caller.tenant;
  }

  /** As it is kept. */
  get stored(): StoredSession {
    const { clientId, expirySeconds, subscriptions } = this;
    return {
      protocol: 'mqtt',
      clientId,
      client: this.caller.client,
      expirySeconds,
      subscriptions: subscriptions.stored,
    };
  }

  /** Renews the leases of all that is on its way; what cannot be renewed is lost, and comes again by itself. */
  renew(): void {
    const leased = this.flight.all.filter(({ isLost }) => isLost !== true);
    for (const [source, flying] of Map.groupBy(leased, (one) => one.source)) {
      const settlements = flying.map(({ grant }) => ({
        token: grant.token,
        action: 'renew' as const,
        leaseMs: LEASE_MS,
      }));
      const answer = source.settle(settlements);
      const note = (results: Awaited<typeof answer>): void => {
        this.flight.lose(flying.filter((_one, at) => 'code' in results[at]!));
      };
      if (answer instanceof Promise) answer.then(note, () => undefined);
      else note(answer);
    }
  }

  /** Nothing of it is wanted any more. */
  close(): void {
    clearTimeout(this.expiry);
    clearTimeout(this.willTimer);
    this.source?.close();
    this.source = undefined;
  }
}
