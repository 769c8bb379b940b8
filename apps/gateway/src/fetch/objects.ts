import { type Caller, permissionMissing } from '@heddle/auth';
import { HeddleError, canonicalKey } from '@heddle/event';
import type { Catalogue, EventType } from '@heddle/schema';
import { Agent, errors, request } from 'undici';
import type { GatewayMetrics } from '../metrics.js';

/** An object as its owner answered: its state, or the tombstone of a deleted one. */
export interface ObjectAnswer {
  kind: 'state' | 'tombstone';
  version: number;
  etag: string;
  body: Buffer;
}

/** What the gateway identifies itself with to the services that own objects, which are of one tenant each. */
export type ServiceToken = (tenant: string) => string | Promise<string>;

const OWNER_TIMEOUT_MS = 5000;
const MAX_OBJECT_BYTES = 8 * 1024 * 1024;

/**
 * Fetches business objects from the services that own them. Requests for one object at the same time share one
 * answer. An answer is never older than the version asked for: a shared one that is too old is asked for once more.
 */
export class Objects {
  #flights = new Map<string, Promise<ObjectAnswer>>();
  #agent = new Agent({
    connections: 32,
    headersTimeout: OWNER_TIMEOUT_MS,
    bodyTimeout: OWNER_TIMEOUT_MS,
    maxResponseSize: MAX_OBJECT_BYTES,
  });

  constructor(
    private readonly catalogue: Pick<Catalogue, 'list'>,
    /** Their URLs by `tenant/service`. */
    private readonly owners: ReadonlyMap<string, string>,
    private readonly token: ServiceToken,
    private readonly metrics: GatewayMetrics,
  ) {}

  /**
   * An object of the caller's tenant, for whoever may fetch one of the types that are about it.
   *
   * @throws HeddleError `permission-missing`, and as {@link fetch}
   */
  async fetchFor(caller: Caller, object: string, key: string, version: number | undefined): Promise<ObjectAnswer> {
    this.requireFetch(caller, object);
    return this.fetch(caller.tenant, object, key, version);
  }

  /** Whether somebody may fetch objects of a kind. @throws HeddleError `permission-missing` */
  requireFetch(caller: Caller, object: string): void {
    const types = this.typesOf(object);
    const [first] = types;
    if (first === undefined || types.some((type) => caller.permissions.allows('fetch', 'type', type))) return;
    throw permissionMissing(caller, `fetch:type:${first}`);
  }

  /**
   * Whether somebody may change objects of a kind: whoever may publish all types that their owner raises about them.
   *
   * @throws HeddleError `permission-missing`
   */
  requireChange(caller: Caller, object: string): void {
    for (const { object: about, owner, type } of this.catalogue.list()) {
      if (about !== object || owner === undefined || caller.permissions.allows('publish', 'type', type)) continue;
      throw permissionMissing(caller, `publish:type:${type}`);
    }
  }

  /** Where the service that owns a kind of object is; nothing where there is none, for this tenant. */
  baseOf(tenant: string, object: string): string | undefined {
    const type = this.#typeOf(object);
    return type?.owner === undefined ? undefined : this.owners.get(`${tenant}/${type.owner}`);
  }

  /** The types of events that are about a kind of object. */
  typesOf(object: string): string[] {
    return this.catalogue.list().flatMap((type) => (type.object === object ? [type.type] : []));
  }

  /**
   * @param version the least version that will do, as a notification named it
   * @throws HeddleError `not-found`, `object-behind` (the owner is not at that version yet), `owner-unavailable`
   */
  async fetch(tenant: string, object: string, key: string, version: number | undefined): Promise<ObjectAnswer> {
    const url = this.urlOf(tenant, object, key);
    const joined = this.#flights.has(flightOf(tenant, url));
    let answer = await this.#joined(tenant, url, version);
    // What was joined may have left the owner before the version asked for was there.
    if (joined && isOlder(answer, version)) answer = await this.#joined(tenant, url, version);
    if (isOlder(answer, version)) {
      this.metrics.fetches.inc({ outcome: 'behind' });
      throw behind(object, key, version);
    }
    this.metrics.fetches.inc({ outcome: joined ? 'joined' : answer.kind });
    return answer;
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #joined(tenant: string, url: string, version: number | undefined): Promise<ObjectAnswer> {
    const name = flightOf(tenant, url);
    let flight = this.#flights.get(name);
    if (flight === undefined) {
      flight = this.#ask(tenant, url).finally(() => this.#flights.delete(name));
      this.#flights.set(name, flight);
    }
    try {
      return await flight;
    } catch (error) {
      // Who was notified of an object knows that there is one: its owner has to catch up, not the reader to give up.
      if (version !== undefined && error instanceof HeddleError && error.code === 'not-found') {
        throw behind('object', url.slice(url.lastIndexOf('/') + 1), version);
      }
      throw error;
    }
  }

  async #ask(tenant: string, url: string): Promise<ObjectAnswer> {
    const token = await this.token(tenant);
    let response;
    let body: Buffer;
    try {
      response = await request(url, {
        dispatcher: this.#agent,
        headers: { accept: 'application/json', authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(OWNER_TIMEOUT_MS),
      });
      body = Buffer.from(await response.body.arrayBuffer());
    } catch (error) {
      // That is an answer: no cause, which stands for silence.
      if (error instanceof errors.ResponseExceededMaxSizeError) throw useless('more than 8 MiB');
      throw new HeddleError('owner-unavailable', 'The service that owns the object did not answer; try again.', {
        cause: error,
        retryAfterSeconds: 1,
      });
    }
    const { statusCode, headers } = response;
    if (statusCode === 404) throw new HeddleError('not-found', 'The owner knows no such object.');
    const etag = typeof headers.etag === 'string' ? headers.etag : '';
    const version = Number(/^"(\d+)"$/.exec(etag)?.[1] ?? Number.NaN);
    if ((statusCode !== 200 && statusCode !== 410) || !Number.isSafeInteger(version)) {
      throw useless(String(statusCode));
    }
    return { kind: statusCode === 200 ? 'state' : 'tombstone', version, etag, body };
  }

  /** Where its owner answers for an object. @throws HeddleError `not-found` when nobody does, for this tenant */
  urlOf(tenant: string, object: string, key: string): string {
    const type = this.#typeOf(object);
    const base = this.baseOf(tenant, object);
    if (type?.fetch === undefined || base === undefined) {
      throw new HeddleError('not-found', `Objects of the kind ${object} cannot be fetched here.`, { field: 'object' });
    }
    return base + type.fetch.replace('{key}', encodeURIComponent(canonicalKey(key)));
  }

  #typeOf(object: string): EventType | undefined {
    return this.catalogue.list().find((type) => type.object === object && type.fetch !== undefined);
  }
}

/** Two tenants may have one service with two answers. */
function flightOf(tenant: string, url: string): string {
  return `${tenant} ${url}`;
}

function useless(answer: string): HeddleError {
  return new HeddleError('owner-unavailable', `The service that owns the object answered with ${answer}; try again.`, {
    retryAfterSeconds: 1,
  });
}

function isOlder(answer: ObjectAnswer, version: number | undefined): boolean {
  return version !== undefined && answer.version < version;
}

function behind(object: string, key: string, version: number | undefined): HeddleError {
  return new HeddleError(
    'object-behind',
    `The owner of ${object} ${key} is not at version ${version} yet; try again.`,
    {
      retryAfterSeconds: 1,
    },
  );
}
