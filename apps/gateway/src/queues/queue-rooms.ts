import { type Address, HeddleError, formatAddress } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Namespaces } from '../messages/namespaces.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { QueueDirectory } from './queue-directory.js';
import { QueueSelection } from './queue-selection.js';
import type { QueueStore } from './queue-store.js';
import { type QueueDefinition, isBounded } from './queue.js';

export interface QueueRoomsParts {
  /** The queue of this name, if it is at work here. */
  atWork(tenant: string, name: string): DeliveryQueue | undefined;
  directory: Pick<QueueDirectory, 'bounded' | 'isFull' | 'queue'>;
  store: Pick<QueueStore, 'putFull'>;
  namespaces: Pick<Namespaces, 'topicOf'>;
  log: Log;
}

/** What is to be published: where to, if it is a message; of which type it is, if of one; and its bytes. */
export interface Incoming {
  address?: Address;
  typed?: { type: string; namespace: string | undefined } | undefined;
  bytes: number;
}

/** How often other instances are told what is full, and what is not any more. */
const TELL_MS = 200;
const RETRY_AFTER_S = 1;

/**
 * Whether queues that are bounded have room for a message that is about to be published to them, by name or by topic. Where
 * a queue is at work its own count is asked; other instances know of it what that one has told. What is on its way already
 * is not counted, so that a bound may be passed by as much as was published at the same moment.
 *
 * What a filter would have to decide is not held back by topic. What clients publish as events is only where the queue says so:
 * others want them, too, and one small queue would stop them for all. What services raise never is: it has happened, and an
 * outbox that stood still for one queue would stand still for everybody.
 */
export class QueueRooms {
  readonly #selections = new WeakMap<QueueDefinition, QueueSelection>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: QueueRoomsParts) {}

  start(): void {
    this.#timer = setInterval(() => void this.#tell(), TELL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @throws HeddleError `queue-full`; `too-large` for more bytes than a message to the queue may have */
  admit(tenant: string, incoming: Incoming): void {
    const { directory } = this.parts;
    const { address } = incoming;
    if (address?.kind === 'queue') {
      const { name } = address;
      const definition = this.parts.atWork(tenant, name)?.definition ?? directory.queue(tenant, name);
      if (definition !== undefined) this.#admitTo(definition, incoming);
      return;
    }
    for (const definition of directory.bounded) {
      if (definition.tenant !== tenant || definition.filter.length > 0) continue;
      if (address === undefined && definition.whenFull !== 'refuse-all') continue;
      if (!this.#wants(definition, incoming)) continue;
      this.#admitTo(definition, incoming);
    }
  }

  #admitTo(definition: QueueDefinition, { address, bytes }: Incoming): void {
    const { name, maxMessageBytes } = definition;
    if (maxMessageBytes !== undefined && bytes > maxMessageBytes) {
      const rule = `The message has ${bytes} bytes; the queue ${name} takes ${maxMessageBytes} at most.`;
      throw new HeddleError('too-large', rule, { field: 'body' });
    }
    if (!isBounded(definition) || !this.#isFull(definition)) return;
    throw new HeddleError('queue-full', `The queue ${name} is full: something of it has to be settled first.`, {
      ...(address === undefined ? {} : { field: 'address' }),
      retryAfterSeconds: RETRY_AFTER_S,
    });
  }

  #isFull(definition: QueueDefinition): boolean {
    const { tenant, name, maxMessages = Infinity, maxBytes = Infinity } = definition;
    const queue = this.parts.atWork(tenant, name);
    if (queue === undefined) return this.parts.directory.isFull(tenant, name);
    const { messages, bytes } = queue.statistics;
    return messages >= maxMessages || bytes >= maxBytes;
  }

  #wants(definition: QueueDefinition, { address, typed }: Incoming): boolean {
    let selection = this.#selections.get(definition);
    if (selection === undefined) {
      selection = new QueueSelection(definition, this.parts.namespaces);
      this.#selections.set(definition, selection);
    }
    if (typed !== undefined) return selection.wantsType(typed.type, typed.namespace);
    return address !== undefined && selection.wantsAddress(formatAddress(address));
  }

  /** Tells of the bounded queues at work here what has changed. */
  async #tell(): Promise<void> {
    const { directory, store, log } = this.parts;
    for (const { tenant, name } of directory.bounded) {
      const queue = this.parts.atWork(tenant, name);
      if (queue === undefined || !queue.isCurrent) continue;
      const isFull = this.#isFull(queue.definition);
      if (isFull === directory.isFull(tenant, name)) continue;
      await store
        .putFull({ tenant, name }, isFull)
        .catch((error: unknown) =>
          log.warn({ event: 'full-untold', tenant, queue: name, err: error }, 'telling again'),
        );
    }
  }
}
