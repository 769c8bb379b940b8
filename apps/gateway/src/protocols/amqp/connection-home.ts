import type { Log } from '@heddle/runtime';
import type { LimitValues } from '../../limits/limit.settings.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { Publisher } from '../../publish.js';
import type { StreamHub } from '../../streams/stream-hub.js';
import type { PasswordGuard } from '../password.js';
import type { MessageForms } from './amqp.frames.js';
import type { AmqpSettings } from './amqp.settings.js';
import type { QueueSources } from './queue-source.js';

/** What a connection needs of where it lives. */
export interface ConnectionHome {
  /** As the gateway calls itself. */
  readonly containerId: string;
  readonly settings: AmqpSettings;
  readonly limits: Pick<LimitValues, 'limitSlowMs'>;
  readonly guard: PasswordGuard;
  readonly publisher: Pick<Publisher, 'publishMessages'>;
  readonly streams: StreamHub;
  readonly sources: QueueSources;
  readonly forms: MessageForms;
  readonly namespaces: Namespaces;
  readonly log: Log;
  /** Whether an address may try once more who it is. @throws HeddleError `rate-limited` */
  admitGuess(address: string): void;
  /** Takes so many messages from the rate of a client. @throws HeddleError `rate-limited` */
  charge(tenant: string, client: string, messages: number): void;
  /** Hears why somebody at an address was not let in. */
  refused(error: unknown, from: string): void;
  failed(error: unknown): void;
  ended(connection: object): void;
}
