import type { Subscription } from './subscriptions.js';

/** What is kept of a session in the definition of its queue; all else that a session has is in that queue. */
export interface StoredSession {
  protocol: 'mqtt';
  /** As the client says it. */
  clientId: string;
  /** Whose session it is. */
  client: string;
  /** Seconds that it is kept after its last connection. */
  expirySeconds: number;
  subscriptions: Subscription[];
}

/** What is kept of the group that shares a subscription. */
export interface StoredShare {
  protocol: 'mqtt-share';
  client: string;
  group: string;
  filter: string;
}

/** What a queue that MQTT has made is for. */
export type SessionOfQueue = StoredSession | StoredShare;
