import { type Caller, permissionMissing, requirePermission } from '@heddle/auth';
import { type Append, HeddleError, RAW_TYPE, parseAddress, typeOfTopic } from '@heddle/event';
import type { JsonLimits } from '@heddle/runtime';
import type { Catalogue } from '@heddle/schema';
import type { IncomingEvent } from '../incoming-event.js';
import type { Incoming } from '../queues/queue-rooms.js';
import { type IncomingMessage, checkSize, eventOfMessage, rawAppend } from './incoming-message.js';
import type { Namespaces } from './namespaces.js';

export interface MessageSorterParts {
  catalogue: Pick<Catalogue, 'get' | 'find'>;
  namespaces: Pick<Namespaces, 'of'>;
  /** Whether a tenant has a queue of this name. */
  knowsQueue(tenant: string, name: string): boolean | Promise<boolean>;
  /** Lets a message in where every queue that is bounded has room for it. @throws HeddleError `queue-full`, `too-large` */
  admit(tenant: string, incoming: Incoming): void;
  json: JsonLimits;
}

/** How long a type is taken for unknown: asking for one reads the whole registry. One that the catalogue learns of is known at once. */
const UNKNOWN_MS = 5000;
const MAX_UNKNOWN = 10_000;

/** Decides what a message is by its address: an event of a type that is known, or a raw message. */
export class MessageSorter {
  readonly #unknownUntil = new Map<string, number>();

  constructor(private readonly parts: MessageSorterParts) {}

  /**
   * The event that a message is, which is still to be checked; or how it is to be appended as it is.
   *
   * @throws HeddleError `parameter-invalid`, `too-large`, `queue-full`, `permission-missing`, `not-found`, `registry-unavailable`, and as
   *   {@link eventOfMessage} and {@link rawAppend}
   */
  sort(caller: Caller, message: IncomingMessage): Append | IncomingEvent | Promise<Append | IncomingEvent> {
    const address = parseAddress(message.address);
    checkSize(message);
    if (address.kind === 'queue') return this.#toQueue(caller, message, address.name);
    const typed = typeOfTopic(address.name);
    if (typed === undefined) return this.#toTopic(caller, message, address.name);
    const { type } = typed;
    const mayType = caller.permissions.allows('publish', 'type', type);
    // Whoever may publish neither learns nothing of what there is.
    if (!mayType && !caller.permissions.allows('publish', 'topic', address.name)) {
      throw permissionMissing(caller, `publish:type:${type}`);
    }
    const asEvent = (): IncomingEvent => {
      if (!mayType) throw permissionMissing(caller, `publish:type:${type}`);
      const namespace = typed.namespace === this.parts.namespaces.of(caller.tenant) ? undefined : typed.namespace;
      this.parts.admit(caller.tenant, { address, typed: { type, namespace }, bytes: message.body.length });
      return eventOfMessage(message, { type, namespace }, caller, this.parts.json);
    };
    if (this.parts.catalogue.get(type) !== undefined) return asEvent();
    if ((this.#unknownUntil.get(type) ?? 0) > Date.now()) return this.#toTopic(caller, message, address.name);
    return this.#isKnown(type).then((isKnown) => (isKnown ? asEvent() : this.#toTopic(caller, message, address.name)));
  }

  /** Lets an event in that a client publishes as one. @throws HeddleError `queue-full`, `too-large` */
  admitEvent(tenant: string, { attributes, value }: Append['event']): void {
    const { type, namespace } = attributes;
    this.parts.admit(tenant, { typed: { type, namespace }, bytes: value.length });
  }

  #toTopic(caller: Caller, message: IncomingMessage, name: string): Append {
    requirePermission(caller, 'publish', 'topic', name);
    this.parts.admit(caller.tenant, { address: { kind: 'topic', name }, bytes: message.body.length });
    return this.#claimed(caller, message, rawAppend(message, { kind: 'topic', name }, caller));
  }

  /** A raw message may say that it is an event; of a type that is known, only what its publisher may publish anyway. */
  #claimed(caller: Caller, { isSample = false }: IncomingMessage, append: Append): Append {
    const { type } = append.event.attributes;
    if (type === RAW_TYPE || isSample || this.parts.catalogue.get(type) === undefined) return append;
    requirePermission(caller, 'publish', 'type', type);
    return append;
  }

  #toQueue(caller: Caller, message: IncomingMessage, name: string): Append | Promise<Append> {
    requirePermission(caller, 'publish', 'queue', name);
    const append = this.#claimed(caller, message, rawAppend(message, { kind: 'queue', name }, caller));
    const known = this.parts.knowsQueue(caller.tenant, name);
    const sure = (isKnown: boolean): Append => {
      if (isKnown) {
        this.parts.admit(caller.tenant, { address: { kind: 'queue', name }, bytes: message.body.length });
        return append;
      }
      throw new HeddleError('not-found', `There is no queue ${name}.`, { field: 'address' });
    };
    return known instanceof Promise ? known.then(sure) : sure(known);
  }

  /** @throws HeddleError `registry-unavailable`: then nobody can say what the message is */
  async #isKnown(type: string): Promise<boolean> {
    try {
      await this.parts.catalogue.find(type);
      return true;
    } catch (error) {
      if (!(error instanceof HeddleError) || error.code !== 'type-unknown') throw error;
      if (this.#unknownUntil.size >= MAX_UNKNOWN) this.#unknownUntil.clear();
      this.#unknownUntil.set(type, Date.now() + UNKNOWN_MS);
      return false;
    }
  }
}
