import type { Caller } from '@heddle/auth';
import type { Log } from '@heddle/runtime';
import type { Limits } from '../../limits/limits.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { OpenQueues } from '../open-queue.js';
import type { Upstream } from '../protocol.js';
import type { Session } from '../sessions.js';
import type { ConnectWish } from './connect.js';
import type { MqttParts } from './mqtt-parts.js';
import type { MqttValues } from './mqtt.settings.js';
import type { Wire } from '../wire.js';

/** What a connection needs of the gateway. */
export interface ConnectionHome extends MqttParts {
  values: MqttValues;
  limits: Limits;
  queues: OpenQueues;
  hop: Pick<Upstream, 'askQueue' | 'elsewhere'>;
  namespaces: Namespaces;
  log: Log;
  /**
   * Lets a client in that says who it is, and counts its connection.
   *
   * @throws HeddleError `token-invalid`, `rate-limited`, `too-many-connections`
   */
  letIn(wish: ConnectWish): Promise<Session>;
  /** A client id for somebody who has none, of a session that is here. */
  newId(caller: Caller): string;
  /** Hands the connection on to the instance that works on its session; false when that is this one. */
  handOn(caller: Caller, clientId: string, wire: Wire, begun: readonly Buffer[]): boolean;
  ended(connection: { close(): void }): void;
}
