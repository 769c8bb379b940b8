import { HeddleError, type StoredEvent, tenantOf } from '@heddle/event';
import { ObjectState } from '../represent.js';
import type { Objects } from './objects.js';
import { OwnerGate } from './owner-gate.js';

/** The reference of an event as the outbox writes it, relative to this gateway. */
const REFERENCE = /^\/v1\/objects\/([a-z0-9-]+)\/([^/?]+)(?:\?version=(\d{1,15}))?$/;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
const KEPT_MS = 30_000;

interface Kept {
  state: ObjectState;
  at: number;
}

interface Reference {
  /** The tenant, the object and its key, as the reference names them. */
  name: string;
  tenant: string;
  object: string;
  key: string;
  version: number | undefined;
}

/**
 * The states of objects that go with events of queues of shape `state`: fetched once per object version for all
 * receivers, and kept for half a minute within 32 MiB. A state is never older than the version that its event names.
 */
export class States {
  /** The newest of each object; those fetched longest ago come first. */
  readonly #kept = new Map<string, Kept>();
  readonly #flights = new Map<string, Promise<ObjectState>>();
  /** By kind of object, so that an owner that hangs holds up nobody else's objects. */
  readonly #gates = new Map<string, OwnerGate>();
  #keptBytes = 0;

  constructor(private readonly objects: Pick<Objects, 'fetch' | 'typesOf'>) {}

  /**
   * The state to go with an event; null for an event that refers to no object, to one that nobody serves here, or to
   * one that may not be fetched: what counts is the object it refers to, for a publisher may write any reference.
   *
   * @param mayFetch whether objects may be fetched that events of a type are about
   * @throws HeddleError `object-behind`, `owner-unavailable`: it may be had later
   */
  async of(
    { topic, attributes: { dataref } }: StoredEvent,
    mayFetch: (type: string) => boolean,
  ): Promise<ObjectState | null> {
    const reference = dataref === undefined ? undefined : referenceOf(tenantOf(topic), dataref);
    if (dataref === undefined || reference === undefined) return null;
    if (!this.objects.typesOf(reference.object).some(mayFetch)) return null;
    const kept = this.#keptOf(reference);
    if (kept !== undefined) return kept;
    const name = `${reference.tenant} ${dataref}`;
    let flight = this.#flights.get(name);
    if (flight === undefined) {
      flight = this.#fetch(reference).finally(() => this.#flights.delete(name));
      this.#flights.set(name, flight);
    }
    try {
      return await flight;
    } catch (error) {
      // What trying again does not change: a kind of object that is not served, a key that is none.
      if (error instanceof HeddleError && !error.retryable) return null;
      throw error;
    }
  }

  #fetch(reference: Reference): Promise<ObjectState> {
    const { name, tenant, object, key, version } = reference;
    return this.#gateOf(`${tenant}/${object}`).pass(async () => {
      // While it waited, another event of the same object may have been answered.
      const kept = this.#keptOf(reference);
      if (kept !== undefined) return kept;
      const answer = await this.objects.fetch(tenant, object, key, version);
      const state = new ObjectState(answer.version, answer.kind === 'state' ? jsonText(answer.body) : undefined);
      return this.#keep(name, state);
    });
  }

  #gateOf(object: string): OwnerGate {
    let gate = this.#gates.get(object);
    if (gate === undefined) {
      gate = new OwnerGate();
      this.#gates.set(object, gate);
    }
    return gate;
  }

  /** What is kept serves whoever names a version; without one, nobody knows how new it has to be. */
  #keptOf({ name, version = Infinity }: Reference): ObjectState | undefined {
    const kept = this.#kept.get(name);
    if (kept === undefined || kept.at < Date.now() - KEPT_MS || kept.state.version < version) return undefined;
    return kept.state;
  }

  /** Returns the newest there is: another answer may have come before, and have been newer. */
  #keep(name: string, state: ObjectState): ObjectState {
    const now = Date.now();
    const before = this.#kept.get(name);
    if (before !== undefined && before.state.version > state.version) return before.state;
    this.#forget(name, before);
    this.#kept.set(name, { state, at: now });
    this.#keptBytes += state.bytes;
    for (const [oldest, kept] of this.#kept) {
      if (this.#keptBytes <= MAX_KEPT_BYTES && kept.at >= now - KEPT_MS) break;
      this.#forget(oldest, kept);
    }
    return state;
  }

  #forget(name: string, kept: Kept | undefined): void {
    if (kept === undefined) return;
    this.#kept.delete(name);
    this.#keptBytes -= kept.state.bytes;
  }
}

function referenceOf(tenant: string, dataref: string): Reference | undefined {
  const [, object, encoded, version] = REFERENCE.exec(dataref) ?? [];
  if (object === undefined || encoded === undefined) return undefined;
  try {
    const key = decodeURIComponent(encoded);
    const least = version === undefined ? undefined : Number(version);
    return { name: `${tenant}/${object}/${encoded}`, tenant, object, key, version: least };
  } catch {
    // A percent sign that begins no escape: whoever published the event wrote it, and it leads nowhere.
    return undefined;
  }
}

/** The body as it came, once it is known to be JSON: it is put into the middle of deliveries. */
function jsonText(body: Buffer): string {
  const text = body.toString('utf8');
  try {
    JSON.parse(text);
  } catch {
    throw new HeddleError('owner-unavailable', 'The service that owns the object answered with no JSON.');
  }
  return text;
}
